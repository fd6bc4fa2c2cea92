package loglimit

import (
	"log/slog"
	"strings"
)

// By returns an attribute of a record, or of a logger, that says which peer can make its
// lines happen. To a handler that does not know it the value is the text peer. Lines are
// of one kind if their level and message, the peer, and the texts in kind are the same.
func By(key, peer string, kind ...string) slog.Attr {
	return slog.Any(key, cause{peer: peer, kind: strings.Join(kind, " ")})
}

// A cause is the value of By.
type cause struct{ peer, kind string }

// LogValue returns the peer.
func (c cause) LogValue() slog.Value { return slog.StringValue(c.peer) }

// causeOf returns the cause that an attribute names, if it is one of By.
func causeOf(a slog.Attr) (cause, bool) {
	if a.Value.Kind() != slog.KindLogValuer {
		return cause{}, false
	}
	c, ok := a.Value.Any().(cause)
	return c, ok
}
