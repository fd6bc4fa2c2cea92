package reconcile

import (
	"fmt"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

// Kind is the kind of a message, and its number on the wire.
type Kind uint8

// The kinds of messages. Numbers from 14 on are free for later forms.
const (
	KindHello       Kind = 1  // initiator: what I hold in brief
	KindSame        Kind = 2  // responder: I hold the same; the end
	KindDiffer      Kind = 3  // responder: I hold something else, and the first cells of its sketch
	KindAsk         Kind = 4  // initiator: send that many cells of your sketch
	KindSketch      Kind = 5  // responder: they, in one message or several
	KindWant        Kind = 6  // initiator: send the entries with these symbols
	KindFound       Kind = 7  // responder: they, in one message or several
	KindPull        Kind = 8  // initiator: send all that you hold, from the cursor on
	KindPage        Kind = 9  // responder: a page of it, and the cursor of the next
	KindPush        Kind = 10 // initiator: entries that you lack; not answered
	KindDone        Kind = 11 // initiator: I hold what you held, and sent what you lacked
	KindAgreed      Kind = 12 // responder: so do I; the end
	KindUnavailable Kind = 13 // responder: not now, or no longer; the end
)

// kindNames are the kinds' names in docs/wire/sync.md.
var kindNames = [...]string{
	"none", "hello", "same", "differ", "ask", "sketch", "want", "found", "pull", "page", "push", "done", "agreed",
	"unavailable",
}

// String returns the kind's name in docs/wire/sync.md.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Message is one message of a session. The zero Message is none. What it holds
// depends on the kind; see messageKeys.
type Message struct {
	kind        Kind
	hello       Hello
	cursor      crdt.Cursor
	more        bool // further messages of the same answer follow
	entries     crdt.Entries
	encoded     []byte       // the entries as they are sent, where they come encoded
	count       uint64       // how many entries are encoded
	replaced    crdt.Entries // present versions of entries that were asked for
	unknown     uint64       // how many that were asked for are not known any more
	incarnation crdt.Stamp   // the responder's
	changed     uint64
	skipped     uint64
	cells       uint64
	prefix      []byte // cells in their wire form; in differ a sample of them
	audit       Audit
	symbols     []uint64
}

// Unavailable returns the answer of a city that has no replica to answer with: one
// that is starting, or has too many sessions already. It ends the session.
func Unavailable() Message { return Message{kind: KindUnavailable} }

// Kind returns the message's kind, 0 for no message.
func (m Message) Kind() Kind { return m.kind }

// AsksMuch reports whether the message of an initiator asks for much: a whole state, a
// sketch for many differences, or many entries.
func (m Message) AsksMuch() bool {
	switch m.kind {
	case KindPull:
		return true
	case KindAsk:
		return m.cells > sketch.CellsMin
	case KindWant:
		return len(m.symbols) > bulkOver
	default:
		return false
	}
}

// IsZero reports whether there is no message.
func (m Message) IsZero() bool { return m.kind == 0 }

// size returns how many entries the message carries.
func (m Message) size() uint64 { return m.count + uint64(m.entries.Len()+m.replaced.Len()) }

// String returns the message in one line, for logs and traces.
func (m Message) String() string {
	switch m.kind {
	case KindHello, KindSame, KindDiffer:
		s := m.hello.Summary
		return fmt.Sprintf("%s %d+%d %s", m.kind, s.Heroes, s.Tombstones, s.Digest)
	case KindAsk:
		return fmt.Sprintf("%s %d cells%s", m.kind, m.cells, m.audit)
	case KindSketch:
		return fmt.Sprintf("%s %d bytes more=%t", m.kind, len(m.prefix), m.more)
	case KindWant:
		return fmt.Sprintf("%s %d symbols%s", m.kind, len(m.symbols), m.audit)
	case KindFound:
		return fmt.Sprintf("%s %d, %d replaced, %d unknown, more=%t", m.kind, m.entries.Len(), m.replaced.Len(), m.unknown, m.more)
	case KindPull:
		return fmt.Sprintf("%s %#x", m.kind, uint64(m.cursor))
	case KindPage, KindPush:
		return fmt.Sprintf("%s %d more=%t", m.kind, m.size(), m.more)
	case KindDone, KindAgreed:
		return fmt.Sprintf("%s changed=%d skipped=%d", m.kind, m.changed, m.skipped)
	default:
		return m.kind.String()
	}
}
