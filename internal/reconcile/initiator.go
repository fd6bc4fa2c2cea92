package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

// Options are what a session may know from before. The zero value is fine.
type Options struct {
	// Deferred are heroes that are known not to be due; only read.
	Deferred *Deferred
	// LeftOut reports whether the entry with a symbol was left out a while ago since the
	// replica is full: such an entry is not asked for. Nil: none was.
	LeftOut func(symbol uint64) bool
	// NotWhole is an incarnation of the other side with which whole states were exchanged
	// a while ago and neither side took anything. None are exchanged with it. 0: with all.
	NotWhole crdt.Stamp
	// Bookmark is where a bulk transfer from the same city ended early.
	Bookmark Bookmark
	// Audit, if not 0, has a part of the IDs audited with this salt after
	// the summaries were found equal.
	Audit uint64
	// AuditParts is of how many parts that is one. Default 64.
	AuditParts uint64
	// Salt is the salt of an audit that turns out to be needed.
	Salt uint64
	// BulkOver is how many entries must differ, at least, for a whole state to
	// be sent. Default 128.
	BulkOver int
}

// Bookmark is how far a bulk transfer came, so that another session of the same
// two incarnations can go on there.
type Bookmark struct {
	// Incarnation is the responder's.
	Incarnation crdt.Stamp
	// Cursor is that of the next page; 0 is the start.
	Cursor crdt.Cursor
}

// Initiator is the side that begins a session and drives it: Begin, then one
// Step for each message that comes, each followed by Next until there is
// nothing more to send. It serves one session and is not safe for concurrent
// use.
//
// A round is a look for differences: a sketch of the other side, the own one,
// what they differ in, the exchange of it. A session has one round, and another
// one after a bulk transfer or where entries were replaced during a round.
type Initiator struct {
	replica Replica
	options Options
	self    Hello // at the start
	phase   phase
	rest    producer // further messages of this turn
	result  Result

	round  round
	rounds int
	pulled bool // the other side's whole state has come
	pushed bool // the own whole state has gone
	mark   Bookmark
}

// round is what a look for differences has come to.
type round struct {
	audit    Audit
	peer     Hello // as of its sketch
	asked    int   // cells
	attempts int
	prefix   []byte
	mine     []uint64        // symbols that only this side has
	theirs   []uint64        // symbols that only the other has and that are not asked for yet
	awaited  map[uint64]bool // symbols asked for; true once the entry has come
	answered int             // symbols that have been answered
	moved    bool            // an entry was gone before it could be fetched
}

// phase is what an Initiator waits for.
type phase uint8

const (
	notBegun phase = iota
	greeting
	looking
	wanting
	pulling
	closing
	over
)

// NewInitiator returns a session that this replica is to begin.
func NewInitiator(r Replica, o Options) *Initiator {
	if o.BulkOver == 0 {
		o.BulkOver = bulkOver
	}
	if o.AuditParts == 0 {
		o.AuditParts = auditSampleParts
	}
	return &Initiator{replica: r, options: o}
}

// Result returns what the session has come to so far.
func (i *Initiator) Result() Result { return i.result }

// Done reports whether the session has ended.
func (i *Initiator) Done() bool { return i.phase == over }

// Bookmark returns how far a bulk transfer has come. It is the zero Bookmark if
// there was no transfer, or if the transfer has come to its end.
func (i *Initiator) Bookmark() Bookmark { return i.mark }

// Begin returns the first message. Call it once, before any Step.
func (i *Initiator) Begin(ctx context.Context) (Message, error) {
	if i.phase != notBegun {
		panic("reconcile: Begin called twice")
	}
	i.phase = over // unless what follows succeeds
	view, err := i.replica.View(ctx, Query{})
	if err != nil {
		return Message{}, fmt.Errorf("begin a sync: %w", err)
	}
	i.self = view.Hello
	i.phase = greeting
	return i.sent(Message{kind: KindHello, hello: view.Hello}, nil)
}

// Step takes a message of the other side and returns the next message to send.
// It returns none while more of the other side's answer is to come, and when the
// session is Done. The error matches ErrProtocol, ErrUnavailable, ErrEnded, ErrBusy, ErrSated, ErrWhole,
// ErrMoving or ErrOutgrown, or is the replica's; after one the session is over, incomplete.
func (i *Initiator) Step(ctx context.Context, in Message) (Message, error) {
	i.result.MessagesIn++
	i.result.EntriesIn += in.size()
	if i.rest != nil || i.phase == over {
		return i.sent(Message{}, violation("%s out of turn", in.kind))
	}
	if in.kind == KindUnavailable {
		return i.sent(Message{}, ErrUnavailable)
	}
	switch i.phase {
	case greeting:
		return i.sent(i.greeted(ctx, in))
	case looking:
		return i.sent(i.shown(ctx, in))
	case wanting:
		return i.sent(i.found(ctx, in))
	case pulling:
		return i.sent(i.paged(ctx, in))
	default:
		return i.sent(Message{}, i.agreed(ctx, in))
	}
}

// Next returns the next message to send, or none when it is the other side's
// turn. Its errors are those of Step.
func (i *Initiator) Next(ctx context.Context) (Message, error) {
	if i.rest == nil || i.phase == over {
		return Message{}, nil
	}
	return i.sent(i.produce(ctx, i.rest))
}

func (i *Initiator) produce(ctx context.Context, p producer) (m Message, err error) {
	m, i.rest, err = p(ctx)
	return m, err
}

// sent counts what is about to be sent, or ends the session.
func (i *Initiator) sent(out Message, err error) (Message, error) {
	if err != nil {
		i.phase, i.rest = over, nil
		return Message{}, err
	}
	if out.IsZero() {
		return out, nil
	}
	i.result.MessagesOut++
	i.result.EntriesOut += out.size()
	if i.result.EntriesOut > allowance(i.self.Summary) {
		return i.sent(Message{}, ErrOutgrown)
	}
	return out, nil
}

// greeted takes the answer to the hello. With equal summaries the session is over,
// or goes on with an audit now and then, for equal summaries are no proof. With
// different ones a sample of the other side's sketch, which came along, tells about
// how much differs, so that the first sketch asked for is about long enough.
func (i *Initiator) greeted(ctx context.Context, in Message) (Message, error) {
	i.result.Peer, i.round.peer = in.hello, in.hello
	equal := in.hello.Summary == i.self.Summary
	switch {
	case in.kind == KindSame && equal && i.options.Audit != 0:
		i.result.Audited = true
		return i.look(Audit{Salt: i.options.Audit, Parts: i.options.AuditParts}, auditCells)
	case in.kind == KindSame && equal:
		return Message{}, i.complete(ctx)
	case in.kind == KindDiffer && !equal:
	default:
		return Message{}, violation("%s in answer to %s, summaries equal: %t", in.kind, KindHello, equal)
	}
	if err := checkClaim(in.hello.Summary); err != nil {
		return Message{}, err
	}
	if len(in.prefix) != sketch.SampleBytes {
		return Message{}, violation("a sample of %d bytes", len(in.prefix))
	}
	view, err := i.view(ctx, Query{Cells: sketch.CellsMin})
	if err != nil {
		return Message{}, err
	}
	own, other := view.Cells[:sketch.SamplePrefix], in.prefix[:sketch.SamplePrefix*sketch.CellBytes]
	mine, theirs, err := sketch.Decode(own, other)
	switch {
	case err == nil:
		return i.exchange(ctx, view.Hello, mine, theirs)
	case !errors.Is(err, sketch.ErrIncomplete):
		return Message{}, violation("a sample: %w", err)
	}
	return i.reach(ctx, view, in.prefix)
}

// agreed takes the other side's account of the session, whose numbers must be
// possible: they go into this side's result.
func (i *Initiator) agreed(ctx context.Context, in Message) error {
	if err := i.check(in, KindAgreed); err != nil {
		return err
	}
	if err := checkCounts(in, i.result.EntriesOut); err != nil {
		return err
	}
	i.result.Differed += in.changed
	i.result.Skipped += in.skipped
	return i.complete(ctx)
}

// close ends the exchange: the other side is told what this one made of it.
func (i *Initiator) close() (Message, error) {
	i.phase = closing
	return Message{kind: KindDone, changed: i.result.Differed, skipped: i.result.Skipped}, nil
}

// complete ends the session well, if the own incarnation is still the one that
// began it: what merged into an earlier one is lost.
func (i *Initiator) complete(ctx context.Context) error {
	if err := confirm(ctx, i.replica, i.self); err != nil {
		return err
	}
	i.phase, i.result.Complete = over, true
	return nil
}

// view looks at the own replica, which must still be of the incarnation that
// began the session.
func (i *Initiator) view(ctx context.Context, q Query) (View, error) {
	view, err := i.replica.View(ctx, q)
	if err != nil {
		return View{}, fmt.Errorf("look at the own sketch: %w", err)
	}
	if view.Hello.Incarnation != i.self.Incarnation {
		return View{}, ErrEnded
	}
	return view, nil
}

// check refuses an answer of another kind, and one of another incarnation.
func (i *Initiator) check(in Message, want Kind) error {
	if in.kind != want {
		return violation("%s where %s was due", in.kind, want)
	}
	return i.checkIncarnation(in.incarnation)
}

// checkIncarnation fails if the other side has started anew since the session
// began: what was compared and sent before is not what it holds now.
func (i *Initiator) checkIncarnation(of crdt.Stamp) error {
	if of != i.result.Peer.Incarnation {
		return ErrUnavailable
	}
	return nil
}

// merge merges what the other side sent.
func (i *Initiator) merge(ctx context.Context, e crdt.Entries) error {
	if err := checkSent(i.result.EntriesIn, i.result.Peer); err != nil {
		return err
	}
	merged, err := i.replica.Merge(ctx, e)
	if err != nil {
		return fmt.Errorf("merge what was sent: %w", err)
	}
	return i.result.merged(merged)
}
