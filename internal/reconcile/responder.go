package reconcile

import (
	"context"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Responder is the side that answers: one Step for each message that comes. It
// serves one session and is not safe for concurrent use. What it keeps is for
// the bounds only; each answer follows from the message and the state.
type Responder struct {
	replica Replica
	self    Hello
	begun   bool
	over    bool
	cursor  crdt.Cursor // of the page to be pulled next
	walked  bool        // the last page has been pulled
	result  Result
}

// NewResponder is a session to be answered by this replica.
func NewResponder(r Replica) *Responder { return &Responder{replica: r} }

// Result is what the session came to so far.
func (r *Responder) Result() Result { return r.result }

// Step takes the other side's message and gives the answer to it. When done,
// that is the last one, and the session is complete for this side. The error
// matches ErrProtocol, ErrEnded or ErrOutgrown, or is the replica's; after one
// the session is over, incomplete. Unless the fault is the other side's, there
// is then an answer still, unavailable, which should be sent.
func (r *Responder) Step(ctx context.Context, in Message) (out Message, done bool, err error) {
	r.result.MessagesIn++
	r.result.EntriesIn += uint64(in.entries.Len())
	out, done, err = r.answer(ctx, in)
	r.over = done || err != nil
	if err != nil && !isViolation(err) {
		out = Message{kind: KindUnavailable}
	}
	if !out.IsZero() {
		r.result.MessagesOut++
		r.result.EntriesOut += uint64(out.entries.Len())
	}
	if done {
		r.result.Complete = true
	}
	return out, done, err
}

func (r *Responder) answer(ctx context.Context, in Message) (out Message, done bool, err error) {
	switch {
	case r.over:
		err = violation("%s after the end of the session", in.kind)
	case in.kind == KindHello && !r.begun:
		return r.greet(ctx, in)
	case in.kind == KindPull && r.begun && !r.walked:
		out, err = r.page(ctx, in)
	case in.kind == KindPush && r.walked:
		out, err = r.merge(ctx, in)
	case in.kind == KindDone && r.walked:
		return r.agree(ctx, in)
	default:
		err = violation("%s out of turn", in.kind)
	}
	return out, false, err
}

func (r *Responder) greet(ctx context.Context, in Message) (Message, bool, error) {
	if err := checkClaim(in.hello.Summary); err != nil {
		return Message{}, false, err
	}
	hello, err := r.replica.Hello(ctx)
	if err != nil {
		return Message{}, false, fmt.Errorf("answer a sync: %w", err)
	}
	r.begun, r.self, r.result.Peer = true, hello, in.hello
	if hello.Summary == in.hello.Summary {
		return Message{kind: KindSame, hello: hello}, true, nil
	}
	return Message{kind: KindDiffer, hello: hello}, false, nil
}

func (r *Responder) page(ctx context.Context, in Message) (Message, error) {
	if in.cursor != r.cursor {
		return Message{}, violation("pull at %#x, the next page is at %#x", uint64(in.cursor), uint64(r.cursor))
	}
	entries, next, more, err := r.replica.Page(ctx, in.cursor)
	if err != nil {
		return Message{}, fmt.Errorf("read a page: %w", err)
	}
	if r.result.EntriesOut+uint64(entries.Len()) > allowance(r.self.Summary) {
		return Message{}, ErrOutgrown
	}
	r.cursor, r.walked = next, !more
	m := Message{kind: KindPage, entries: entries, more: more, incarnation: r.self.Incarnation}
	if more {
		m.cursor = next
	}
	return m, nil
}

func (r *Responder) merge(ctx context.Context, in Message) (Message, error) {
	if in.entries.Len() == 0 {
		return Message{}, violation("an empty push")
	}
	if limit := allowance(r.result.Peer.Summary); r.result.EntriesIn > limit {
		return Message{}, violation("%d entries, at most %d of one that claimed %d heroes and %d tombstones",
			r.result.EntriesIn, limit, r.result.Peer.Summary.Heroes, r.result.Peer.Summary.Tombstones)
	}
	merged, err := r.replica.Merge(ctx, in.entries)
	if err != nil {
		return Message{}, fmt.Errorf("merge a push: %w", err)
	}
	out := Message{
		kind:        KindPushed,
		incarnation: r.self.Incarnation,
		changed:     uint64(merged.Changed),
		skipped:     uint64(merged.Skipped),
	}
	r.count(out)
	return out, nil
}

func (r *Responder) agree(ctx context.Context, in Message) (Message, bool, error) {
	if err := checkCounts(in, r.result.EntriesOut); err != nil {
		return Message{}, false, err
	}
	if err := confirm(ctx, r.replica, r.self); err != nil {
		return Message{}, false, err
	}
	r.count(in)
	return Message{kind: KindAgreed, incarnation: r.self.Incarnation}, true, nil
}

// count adds what a pushed or a done says.
func (r *Responder) count(m Message) {
	r.result.Differed += m.changed
	r.result.Skipped += m.skipped
}
