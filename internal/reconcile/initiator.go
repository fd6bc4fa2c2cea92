package reconcile

import (
	"context"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Initiator is the side that begins a session and drives it: Begin, then one
// Step for each message that comes. It serves one session and is not safe for
// concurrent use.
type Initiator struct {
	replica Replica
	self    Hello
	phase   phase
	cursor  crdt.Cursor // of the other side's walk, then of the own
	walked  bool        // the own walk has ended
	seen    seen
	asked   uint64 // entries in the last push
	pulled  Merged // what the pages did to the own state
	result  Result
}

// phase is what an Initiator waits for.
type phase uint8

const (
	notBegun phase = iota
	greeting
	pulling
	pushing
	closing
	over
)

// NewInitiator is a session to be begun by this replica.
func NewInitiator(r Replica) *Initiator { return &Initiator{replica: r} }

// Result is what the session came to so far.
func (i *Initiator) Result() Result { return i.result }

// Begin gives the first message. It must be called once, before any Step.
func (i *Initiator) Begin(ctx context.Context) (Message, error) {
	if i.phase != notBegun {
		panic("reconcile: Begin called twice")
	}
	i.phase = over // unless what follows succeeds
	hello, err := i.replica.Hello(ctx)
	if err != nil {
		return Message{}, fmt.Errorf("begin a sync: %w", err)
	}
	i.self = hello
	return i.send(greeting, Message{kind: KindHello, hello: hello}), nil
}

// Step takes the other side's answer and gives the next message to send. When
// done, there is none, and the session is complete. The error matches
// ErrProtocol, ErrUnavailable, ErrEnded or ErrOutgrown, or is the replica's;
// after one the session is over, incomplete.
func (i *Initiator) Step(ctx context.Context, in Message) (out Message, done bool, err error) {
	at := i.phase
	i.phase = over // unless what follows succeeds
	i.result.MessagesIn++
	i.result.EntriesIn += uint64(in.entries.Len())
	if in.kind == KindUnavailable && at != over {
		return Message{}, false, ErrUnavailable
	}
	switch at {
	case greeting:
		out, done, err = i.greeted(ctx, in)
	case pulling:
		out, err = i.paged(ctx, in)
	case pushing:
		out, err = i.pushed(ctx, in)
	case closing:
		done, err = i.agreed(ctx, in)
	default:
		err = violation("%s after the end of the session", in.kind)
	}
	return out, done, err
}

func (i *Initiator) greeted(ctx context.Context, in Message) (Message, bool, error) {
	i.result.Peer = in.hello
	equal := in.hello.Summary == i.self.Summary
	switch {
	case in.kind == KindSame && equal:
		err := i.complete(ctx)
		return Message{}, err == nil, err
	case in.kind == KindDiffer && !equal:
		if err := checkClaim(in.hello.Summary); err != nil {
			return Message{}, false, err
		}
		return i.send(pulling, Message{kind: KindPull}), false, nil
	default:
		return Message{}, false, violation("%s in answer to %s, summaries equal: %t", in.kind, KindHello, equal)
	}
}

func (i *Initiator) paged(ctx context.Context, in Message) (Message, error) {
	if err := i.check(in, KindPage); err != nil {
		return Message{}, err
	}
	if limit := allowance(i.result.Peer.Summary); i.result.EntriesIn > limit {
		return Message{}, violation("%d entries, at most %d of one that claimed %d heroes and %d tombstones",
			i.result.EntriesIn, limit, i.result.Peer.Summary.Heroes, i.result.Peer.Summary.Tombstones)
	}
	if in.more && (in.entries.Len() == 0 || in.cursor == i.cursor) {
		return Message{}, violation("page %#x leads nowhere", uint64(i.cursor))
	}
	i.seen.add(in.entries)
	merged, err := i.replica.Merge(ctx, in.entries)
	if err != nil {
		return Message{}, fmt.Errorf("merge a page: %w", err)
	}
	i.pulled.Changed += merged.Changed
	i.pulled.Skipped += merged.Skipped
	i.count(uint64(merged.Changed), uint64(merged.Skipped))
	i.cursor = in.cursor
	if in.more {
		return i.send(pulling, Message{kind: KindPull, cursor: in.cursor}), nil
	}
	i.seen.seal()
	i.cursor = 0
	return i.push(ctx)
}

func (i *Initiator) pushed(ctx context.Context, in Message) (Message, error) {
	if err := i.check(in, KindPushed); err != nil {
		return Message{}, err
	}
	if err := checkCounts(in, i.asked); err != nil {
		return Message{}, err
	}
	i.count(in.changed, in.skipped)
	return i.push(ctx)
}

// push gives the next batch of what the other side did not send, or done.
func (i *Initiator) push(ctx context.Context) (Message, error) {
	batch, err := i.gather(ctx)
	if err != nil {
		return Message{}, err
	}
	if batch.Len() == 0 {
		changed, skipped := uint64(i.pulled.Changed), uint64(i.pulled.Skipped)
		return i.send(closing, Message{kind: KindDone, changed: changed, skipped: skipped}), nil
	}
	i.asked = uint64(batch.Len())
	if i.result.EntriesOut+i.asked > allowance(i.self.Summary) {
		return Message{}, ErrOutgrown
	}
	return i.send(pushing, Message{kind: KindPush, entries: batch}), nil
}

// gather walks on through the own state until a batch is worth sending.
func (i *Initiator) gather(ctx context.Context) (batch crdt.Entries, err error) {
	for size := 0; !i.walked && size < batchBytesMin; {
		page, next, more, err := i.replica.Page(ctx, i.cursor)
		if err != nil {
			return crdt.Entries{}, fmt.Errorf("read a page to push: %w", err)
		}
		size += i.seen.lacking(&batch, page)
		i.cursor, i.walked = next, !more
	}
	return batch, nil
}

func (i *Initiator) agreed(ctx context.Context, in Message) (bool, error) {
	if err := i.check(in, KindAgreed); err != nil {
		return false, err
	}
	err := i.complete(ctx)
	return err == nil, err
}

// complete ends the session well, if the own incarnation is still the one that
// began it: what merged into an earlier one is lost.
func (i *Initiator) complete(ctx context.Context) error {
	if err := confirm(ctx, i.replica, i.self); err != nil {
		return err
	}
	i.result.Complete = true
	return nil
}

// check refuses an answer of another kind, and one of another incarnation.
func (i *Initiator) check(in Message, want Kind) error {
	if in.kind != want {
		return violation("%s where %s was due", in.kind, want)
	}
	if in.incarnation != i.result.Peer.Incarnation {
		return ErrUnavailable
	}
	return nil
}

func (i *Initiator) count(changed, skipped uint64) {
	i.result.Differed += changed
	i.result.Skipped += skipped
}

func (i *Initiator) send(next phase, m Message) Message {
	i.phase = next
	i.result.MessagesOut++
	i.result.EntriesOut += uint64(m.entries.Len())
	return m
}
