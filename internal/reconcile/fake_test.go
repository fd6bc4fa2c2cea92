package reconcile

import (
	"context"
	"errors"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

var errFakeEnded = errors.New("the incarnation has ended")

// fakeReplica is a bare state, with pages of few entries, that can end and
// change at chosen moments.
type fakeReplica struct {
	state       *crdt.State
	incarnation crdt.Stamp
	horizon     crdt.Stamp
	pageBytes   int
	ended       bool
	before      func(op string) // called first by each method
}

func newFakeReplica(pageBytes int) *fakeReplica {
	return &fakeReplica{
		state:       crdt.NewState(),
		incarnation: 1,
		horizon:     crdt.NoHorizon,
		pageBytes:   pageBytes,
		before:      func(string) {},
	}
}

func (r *fakeReplica) enter(ctx context.Context, op string) error {
	r.before(op)
	if r.ended {
		return errFakeEnded
	}
	return ctx.Err()
}

func (r *fakeReplica) Hello(ctx context.Context) (Hello, error) {
	if err := r.enter(ctx, "hello"); err != nil {
		return Hello{}, err
	}
	return Hello{Incarnation: r.incarnation, Summary: r.state.Summary(), Now: 7}, nil
}

func (r *fakeReplica) Page(ctx context.Context, at crdt.Cursor) (crdt.Entries, crdt.Cursor, bool, error) {
	if err := r.enter(ctx, "page"); err != nil {
		return crdt.Entries{}, 0, false, err
	}
	e, next, more := r.state.Page(at, r.pageBytes)
	return e, next, more, nil
}

func (r *fakeReplica) Merge(ctx context.Context, e crdt.Entries) (Merged, error) {
	if err := r.enter(ctx, "merge"); err != nil {
		return Merged{}, err
	}
	m := r.state.Merge(e, r.horizon)
	return Merged{Changed: len(m.Changes), Skipped: len(m.Future)}, nil
}

// run lets two replicas have one session, through the codec.
func run(ctx context.Context, a, b Replica) (left, right Result, err error) {
	i, r := NewInitiator(a), NewResponder(b)
	defer func() { left, right = i.Result(), r.Result() }()
	m, err := i.Begin(ctx)
	if err != nil {
		return left, right, err
	}
	for done := false; !done; {
		var answer Message
		if answer, _, err = r.Step(ctx, throughWire(m)); err != nil {
			return left, right, err
		}
		if m, done, err = i.Step(ctx, throughWire(answer)); err != nil {
			return left, right, err
		}
	}
	return left, right, nil
}

// throughWire is the message as the other side decodes it.
func throughWire(m Message) Message {
	b, err := m.Encode()
	if err != nil {
		panic(err)
	}
	decoded, err := Decode(b)
	if err != nil {
		panic(err)
	}
	return decoded
}

// differing counts the IDs that two states know differently.
func differing(a, b *crdt.State) (n uint64) {
	for i := range crdttest.PoolIDs {
		if id := crdttest.IDOf(i); a.Record(id) != b.Record(id) {
			n++
		}
	}
	return n
}

// all is the whole of a state.
func all(s *crdt.State) crdt.Entries {
	e, _, _ := s.Page(0, 1<<30)
	return e
}
