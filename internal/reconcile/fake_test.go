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
	now         crdt.Stamp
	horizon     crdt.Stamp
	pageBytes   int
	ended       bool
	before      func(op string) // called first by each method
}

func newFakeReplica(pageBytes int) *fakeReplica {
	return &fakeReplica{
		state:       crdt.NewState(),
		incarnation: 1,
		now:         crdt.NoHorizon,
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

func (r *fakeReplica) View(ctx context.Context, q Query) (View, error) {
	if err := r.enter(ctx, "view"); err != nil {
		return View{}, err
	}
	v := View{Hello: Hello{Incarnation: r.incarnation, Summary: r.state.Summary(), Now: r.now}}
	if !q.Audit.IsZero() {
		err := AuditView(ctx, r.Page, q, &v)
		return v, err
	}
	if q.Cells > 0 {
		v.Cells = r.state.AppendCells(nil, q.Cells)
	}
	return v, nil
}

func (r *fakeReplica) Find(ctx context.Context, symbols []uint64) (found Found, err error) {
	if err := r.enter(ctx, "find"); err != nil {
		return Found{}, err
	}
	for _, s := range symbols {
		e, how := r.state.AppendBySymbol(crdt.Entries{}, s)
		to := &found.Entries
		switch how {
		case crdt.SymbolReplaced:
			to = &found.Replaced
		case crdt.SymbolUnknown:
			found.Unknown++
		}
		to.Heroes = append(to.Heroes, e.Heroes...)
		to.Tombstones = append(to.Tombstones, e.Tombstones...)
	}
	return found, nil
}

func (r *fakeReplica) Page(ctx context.Context, at crdt.Cursor) (p Page, err error) {
	if err := r.enter(ctx, "page"); err != nil {
		return Page{}, err
	}
	p.Encoded, p.Entries, p.Next, p.More = r.state.AppendPage(nil, at, r.pageBytes)
	return p, nil
}

func (r *fakeReplica) Merge(ctx context.Context, e crdt.Entries) (Merged, error) {
	if err := r.enter(ctx, "merge"); err != nil {
		return Merged{}, err
	}
	m := r.state.Merge(e, r.horizon)
	return Merged{Changed: len(m.Changes), Future: m.Future}, nil
}

// transcript is what a session was, for tests that look at its course.
type transcript struct {
	left, right Result
	mark        Bookmark
	sent        []Message // in the order in which they went
	bytes       int       // of all messages, without the frames' lengths
	cut         int       // the session is cut before this message, if not 0
}

// play lets two replicas have one session, through the codec.
func (s *transcript) play(ctx context.Context, a, b Replica, o Options) (err error) {
	i, r := NewInitiator(a, o), NewResponder(b)
	defer func() { s.left, s.right, s.mark = i.Result(), r.Result(), i.Bookmark() }()
	out, err := i.Begin(ctx)
	for err == nil && !i.Done() {
		var requests []Message
		for err == nil && !out.IsZero() {
			requests = append(requests, out)
			out, err = i.Next(ctx)
		}
		if err != nil {
			return err
		}
		var answers []Message
		for _, m := range requests {
			some, err := s.respond(ctx, r, m)
			answers = append(answers, some...)
			if err != nil {
				return err
			}
		}
		for _, m := range answers {
			if !out.IsZero() {
				return errors.New("the initiator spoke before its turn")
			}
			if m, err = s.carry(m); err != nil {
				return err
			}
			if out, err = i.Step(ctx, m); err != nil {
				return err
			}
		}
	}
	return err
}

var errCut = errors.New("the session is cut")

// carry is the message as the other side decodes it.
func (s *transcript) carry(m Message) (Message, error) {
	b, err := m.Encode()
	if err != nil {
		panic(err)
	}
	s.sent = append(s.sent, m)
	s.bytes += len(b)
	if len(s.sent) == s.cut {
		return Message{}, errCut
	}
	decoded, err := Decode(b)
	if err != nil {
		panic(err)
	}
	return decoded, nil
}

func (s *transcript) respond(ctx context.Context, r *Responder, m Message) (answers []Message, err error) {
	if m, err = s.carry(m); err != nil {
		return nil, err
	}
	out, err := r.Step(ctx, m)
	for err == nil && !out.IsZero() {
		answers = append(answers, out)
		out, err = r.Next(ctx)
	}
	return answers, err
}

// run lets two replicas have one session.
func run(ctx context.Context, a, b Replica) (left, right Result, err error) {
	var s transcript
	err = s.play(ctx, a, b, Options{Salt: 1})
	return s.left, s.right, err
}

// throughWire is the message as the other side decodes it.
func throughWire(m Message) Message {
	decoded, err := new(transcript).carry(m)
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

// heroes are heroes of the IDs from first on.
func heroes(first, n int) (e crdt.Entries) {
	for i := range n {
		e.Heroes = append(e.Heroes, crdt.Hero{ID: crdttest.IDOf(first + i), Name: "Zoë", Location: crdt.Home, Health: 100})
	}
	return e
}

// replicaOf holds these entries.
func replicaOf(pageBytes int, some ...crdt.Entries) *fakeReplica {
	r := newFakeReplica(pageBytes)
	for _, e := range some {
		r.state.Merge(e, crdt.NoHorizon)
	}
	return r
}
