package reconcile

import (
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Kind is the kind of a message, and its number on the wire.
type Kind uint8

// The kinds of messages. Numbers from 11 on are free for later forms.
const (
	KindHello       Kind = 1  // initiator: what I hold in brief
	KindSame        Kind = 2  // responder: I hold the same; the end
	KindDiffer      Kind = 3  // responder: I hold something else, in brief this
	KindPull        Kind = 4  // initiator: send the page at the cursor
	KindPage        Kind = 5  // responder: the page, and the cursor of the next
	KindPush        Kind = 6  // initiator: entries that you did not send
	KindPushed      Kind = 7  // responder: what became of them
	KindDone        Kind = 8  // initiator: I hold what you sent, and sent the rest
	KindAgreed      Kind = 9  // responder: so do I; the end
	KindUnavailable Kind = 10 // responder: my incarnation has ended; the end
)

// String is the kind's name in docs/wire/sync.md.
func (k Kind) String() string {
	names := [...]string{"none", "hello", "same", "differ", "pull", "page", "push", "pushed", "done", "agreed", "unavailable"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Message is one message of a session. The zero Message is none.
type Message struct {
	kind        Kind
	hello       Hello        // hello, same, differ
	cursor      crdt.Cursor  // pull; page: that of the next page
	more        bool         // page: there is a next page
	entries     crdt.Entries // page, push
	incarnation crdt.Stamp   // page, pushed, agreed: the responder's
	changed     uint64       // pushed, done
	skipped     uint64       // pushed, done
}

// Kind is the message's kind, 0 for no message.
func (m Message) Kind() Kind { return m.kind }

// IsZero reports whether there is no message.
func (m Message) IsZero() bool { return m.kind == 0 }

// String describes the message in one line, for logs and traces.
func (m Message) String() string {
	switch m.kind {
	case KindHello, KindSame, KindDiffer:
		s := m.hello.Summary
		return fmt.Sprintf("%s %d+%d %s", m.kind, s.Heroes, s.Tombstones, s.Digest)
	case KindPull:
		return fmt.Sprintf("%s %#x", m.kind, uint64(m.cursor))
	case KindPage:
		return fmt.Sprintf("%s %d+%d more=%t", m.kind, len(m.entries.Heroes), len(m.entries.Tombstones), m.more)
	case KindPush:
		return fmt.Sprintf("%s %d+%d", m.kind, len(m.entries.Heroes), len(m.entries.Tombstones))
	case KindPushed, KindDone:
		return fmt.Sprintf("%s changed=%d skipped=%d", m.kind, m.changed, m.skipped)
	default:
		return m.kind.String()
	}
}
