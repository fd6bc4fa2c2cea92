package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

// Responder is the side that answers: one Step for each message that comes, and
// then Next until there is nothing more to send. It serves one session and is
// not safe for concurrent use. What it keeps is for the bounds only; each answer
// follows from the message and the state.
type Responder struct {
	replica Replica
	self    Hello
	begun   bool
	over    bool
	asks    int
	wanted  uint64
	// rest gives the further messages of the answer that has begun, and a nil
	// rest with the last.
	rest   producer
	result Result
}

// A producer returns the next message of several and the producer of the messages
// after it, which is nil behind the last one. A zero Message means that there is
// none. The messages of an answer are made one at a time, so that neither side
// ever holds more than one of them.
type producer func(context.Context) (Message, producer, error)

// NewResponder returns a session that this replica is to answer.
func NewResponder(r Replica) *Responder { return &Responder{replica: r} }

// Result returns what the session has come to so far.
func (r *Responder) Result() Result { return r.result }

// Done reports whether the session has ended. The initiator of one that found
// the summaries equal may still go on with an audit.
func (r *Responder) Done() bool { return r.over || r.result.Complete }

// Ahead reports whether the initiator, which has said hello, claims so many more entries
// than this side holds that it would send many.
func (r *Responder) Ahead() bool { return r.result.Peer.size() > r.self.size()+bulkOver }

// FarAhead reports whether the initiator, which has said hello, claims so many more
// entries than this side holds that it would send its whole state.
func (r *Responder) FarAhead() bool {
	there, here := r.result.Peer.size(), r.self.size()
	return there > here && isWhole(there-here, there)
}

// Flooded reports whether the initiator has sent so much, measured by what both held when
// the session began, that it is about to send its whole state.
func (r *Responder) Flooded() bool {
	return isWhole(r.result.EntriesIn, max(r.result.Peer.size(), r.self.size()))
}

// isWhole reports whether so many entries of a state are so many that all of it is sent.
func isWhole(entries, of uint64) bool {
	return entries > bulkOver && (entries > of/bulkShare || entries > sketchReach)
}

// Decline ends the session and returns what tells the initiator to try again later.
func (r *Responder) Decline() Message {
	r.over, r.rest, r.result.Complete = true, nil, false
	return Message{kind: KindUnavailable}
}

// Step takes a message of the other side and returns the first message of the
// answer, if there is an answer. Do not call it before Next has returned none. The
// error matches ErrProtocol, ErrEnded, ErrBusy, ErrSated or ErrOutgrown, or is the
// replica's; after one the session is over, incomplete. Unless the fault is the
// other side's, there is then an answer still, unavailable, which should be
// sent.
func (r *Responder) Step(ctx context.Context, in Message) (Message, error) {
	r.result.MessagesIn++
	r.result.EntriesIn += in.size()
	if r.over || r.rest != nil {
		return r.sent(Message{}, violation("%s out of turn", in.kind))
	}
	return r.sent(r.answer(ctx, in))
}

// Next returns the next message of the answer that Step began, or none when it is
// the other side's turn. Its errors are those of Step.
func (r *Responder) Next(ctx context.Context) (Message, error) {
	if r.rest == nil || r.over {
		return Message{}, nil
	}
	return r.sent(r.produce(ctx, r.rest))
}

func (r *Responder) produce(ctx context.Context, p producer) (m Message, err error) {
	m, r.rest, err = p(ctx)
	return m, err
}

// sent counts what is about to be sent, or ends the session.
func (r *Responder) sent(out Message, err error) (Message, error) {
	if err != nil {
		r.over, r.rest, out = true, nil, Message{}
		r.result.Complete = false
		if !isViolation(err) {
			out = Message{kind: KindUnavailable}
		}
	}
	if !out.IsZero() {
		r.result.MessagesOut++
		r.result.EntriesOut += out.size()
	}
	if err == nil && r.result.EntriesOut > allowance(r.self.Summary) {
		return r.sent(Message{}, ErrOutgrown)
	}
	return out, err
}

// answer returns the first message of the answer to a message. The initiator may
// ask in any order and as often as it likes, within the bounds that each question
// has; only a hello must come first, and once.
func (r *Responder) answer(ctx context.Context, in Message) (Message, error) {
	switch {
	case in.kind == KindHello && !r.begun:
		return r.greet(ctx, in)
	case !r.begun:
		return Message{}, violation("%s before hello", in.kind)
	case in.kind == KindAsk:
		return r.show(ctx, in)
	case in.kind == KindWant:
		return r.find(ctx, in)
	case in.kind == KindPull:
		return r.produce(ctx, r.pages(in.cursor))
	case in.kind == KindPush:
		return Message{}, r.merge(ctx, in)
	case in.kind == KindDone:
		return r.agree(ctx, in)
	default:
		return Message{}, violation("%s out of turn", in.kind)
	}
}

// greet answers a hello. The claim that came with it is checked first, for it is
// what bounds how many entries the initiator may push.
func (r *Responder) greet(ctx context.Context, in Message) (Message, error) {
	if err := checkClaim(in.hello.Summary); err != nil {
		return Message{}, err
	}
	view, err := r.replica.View(ctx, Query{Cells: sketch.CellsMin})
	if err != nil {
		return Message{}, fmt.Errorf("answer a sync: %w", err)
	}
	r.begun, r.self, r.result.Peer = true, view.Hello, in.hello
	if view.Hello.Summary == in.hello.Summary {
		r.result.Complete = true
		return Message{kind: KindSame, hello: view.Hello}, nil
	}
	return Message{kind: KindDiffer, hello: view.Hello, prefix: sketch.AppendSample(nil, view.Cells)}, nil
}

// show answers with the first cells of the sketch, all of one instant.
func (r *Responder) show(ctx context.Context, in Message) (Message, error) {
	if r.asks++; r.asks > asksMax || in.cells == 0 || in.cells > cellsMax {
		return Message{}, violation("%d cells asked for, the %d. time", in.cells, r.asks)
	}
	r.result.Complete = false
	view, err := r.view(ctx, Query{Cells: int(in.cells), Audit: in.audit})
	if err != nil {
		return Message{}, err
	}
	return r.produce(ctx, cellsOf(view.Hello, view.Cells))
}

// cellsOf returns a producer of the cells of one instant, in parts. Cells of two
// instants in one answer would decode to entries that nobody has.
func cellsOf(hello Hello, cells []sketch.Cell) producer {
	return func(context.Context) (Message, producer, error) {
		n := min(len(cells), cellsPerMessage)
		m := Message{kind: KindSketch, hello: hello, prefix: sketch.AppendPrefix(nil, cells[:n]), more: n < len(cells)}
		if !m.more {
			return m, nil, nil
		}
		return m, cellsOf(hello, cells[n:]), nil
	}
}

// find answers with the entries that are wanted.
func (r *Responder) find(ctx context.Context, in Message) (Message, error) {
	r.wanted += uint64(len(in.symbols))
	if len(in.symbols) == 0 || len(in.symbols) > wantMax || r.wanted > allowance(r.self.Summary) {
		return Message{}, violation("%d symbols wanted, %d in all", len(in.symbols), r.wanted)
	}
	if in.audit.IsZero() {
		return r.produce(ctx, r.founds(search{symbols: in.symbols}))
	}
	view, err := r.view(ctx, Query{Audit: in.audit, Locate: in.symbols})
	if err != nil {
		return Message{}, err
	}
	return r.produce(ctx, r.founds(newSearch(in.audit, in.symbols, view.Located)))
}

// founds returns a producer of the entries that are searched, findMax at a time: that many
// of the longest entries fit a message.
func (r *Responder) founds(s search) producer {
	return func(ctx context.Context) (Message, producer, error) {
		found, rest, err := s.next(ctx, r.replica)
		if err != nil {
			return Message{}, nil, fmt.Errorf("find entries: %w", err)
		}
		m := Message{
			kind:        KindFound,
			incarnation: r.self.Incarnation,
			entries:     found.Entries,
			replaced:    found.Replaced,
			unknown:     uint64(found.Unknown),
			more:        !rest.done(),
		}
		if !m.more {
			return m, nil, nil
		}
		return m, r.founds(rest), nil
	}
}

// pages returns a producer of the state from the cursor on, page by page.
func (r *Responder) pages(at crdt.Cursor) producer {
	return func(ctx context.Context) (Message, producer, error) {
		page, err := r.replica.Page(ctx, at)
		if err != nil {
			return Message{}, nil, fmt.Errorf("read a page: %w", err)
		}
		m := Message{kind: KindPage, encoded: page.Encoded, count: uint64(page.Entries), more: page.More, incarnation: r.self.Incarnation}
		if !page.More {
			return m, nil, nil
		}
		m.cursor = page.Next
		return m, r.pages(page.Next), nil
	}
}

// merge merges what was pushed. An empty push is refused, as one that does nothing
// could be sent without end.
func (r *Responder) merge(ctx context.Context, in Message) error {
	if in.entries.Len() == 0 {
		return violation("an empty push")
	}
	if err := checkSent(r.result.EntriesIn, r.result.Peer); err != nil {
		return err
	}
	merged, err := r.replica.Merge(ctx, in.entries)
	if err != nil {
		return fmt.Errorf("merge a push: %w", err)
	}
	return r.result.merged(merged)
}

// agree ends the session well, if the own incarnation is still the one that began
// it: what merged into an earlier one is lost.
func (r *Responder) agree(ctx context.Context, in Message) (Message, error) {
	if err := checkCounts(in, r.result.EntriesOut); err != nil {
		return Message{}, err
	}
	if err := confirm(ctx, r.replica, r.self); err != nil {
		return Message{}, err
	}
	m := Message{kind: KindAgreed, incarnation: r.self.Incarnation, changed: r.result.Differed, skipped: r.result.Skipped}
	r.result.Differed += in.changed
	r.result.Skipped += in.skipped
	r.result.Complete, r.over = true, true
	return m, nil
}

// view looks at the own replica, which must still be of the incarnation that
// said hello.
func (r *Responder) view(ctx context.Context, q Query) (View, error) {
	view, err := r.replica.View(ctx, q)
	if err == nil && view.Hello.Incarnation != r.self.Incarnation {
		err = ErrEnded
	}
	if err != nil && !errors.Is(err, ErrEnded) {
		err = fmt.Errorf("look at the own sketch: %w", err)
	}
	return view, err
}
