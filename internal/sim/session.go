package sim

import (
	"context"
	"errors"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// sessionTimeout ends a session in which nothing comes any more.
const sessionTimeout = 5 * time.Second

var errDown = errors.New("this incarnation has ended")

// replica is one incarnation of a simulated city.
type replica struct {
	n    *node
	life int
}

func (r replica) alive() bool {
	return r.n.core != nil && (r.n.life == r.life || r.n.w.cfg.sabotage == blindMerge)
}

// Hello is the state in brief.
func (r replica) Hello(context.Context) (reconcile.Hello, error) {
	if !r.alive() {
		return reconcile.Hello{}, errDown
	}
	return reconcile.Hello{
		Incarnation: crdt.Stamp(r.life),
		Summary:     r.n.core.State().Summary(),
		Now:         crdt.StampAt(r.n.time()),
	}, nil
}

// Page is a small page.
func (r replica) Page(_ context.Context, at crdt.Cursor) (crdt.Entries, crdt.Cursor, bool, error) {
	if !r.alive() {
		return crdt.Entries{}, 0, false, errDown
	}
	e, next, more := r.n.core.State().Page(at, r.n.w.profile.pageBytes)
	return e, next, more, nil
}

// Merge is an update by anti-entropy.
func (r replica) Merge(_ context.Context, e crdt.Entries) (reconcile.Merged, error) {
	if !r.alive() {
		return reconcile.Merged{}, errDown
	}
	if r.n.w.cfg.sabotage == forgetTombstones {
		e.Tombstones = nil
	}
	reply, _ := r.n.step(city.Update{Entries: e, Source: city.SourceSync})
	return reconcile.Merged{Changed: reply.Changed, Skipped: reply.Skipped}, nil
}

// session is one sync between two cities, on a stream that delivers in order
// until it is cut.
type session struct {
	w         *world
	from, to  *node
	life      int // of the initiator
	initiator *reconcile.Initiator
	responder *reconcile.Responder
	ours      holdings // the initiator's, at the start
	theirs    holdings // the responder's
	steps     int
	over      bool
	ended     func(complete bool)
}

// syncWithSomebody runs a session with a random connected city.
func (n *node) syncWithSomebody() {
	peers := n.peers()
	if n.core == nil || len(peers) == 0 {
		return
	}
	n.w.sync(n, peers[n.w.rng.IntN(len(peers))], func(bool) {})
}

// sync begins a session; ended is told how it ended for the initiator.
func (w *world) sync(from, to *node, ended func(complete bool)) {
	s := &session{w: w, from: from, to: to, life: from.life, ended: ended}
	s.initiator = reconcile.NewInitiator(replica{from, from.life})
	hello, err := s.initiator.Begin(context.Background())
	if err != nil {
		s.end(false, err)
		return
	}
	s.ours = w.oracle.holdings(from)
	s.carry(from, to, hello, s.answer)
}

// carry brings a message to the other side, or cuts the session.
func (s *session) carry(from, to *node, m reconcile.Message, arrive func(reconcile.Message)) {
	payload, err := m.Encode()
	if err != nil {
		s.w.fail("every message can be encoded", "%v: %v", m, err)
		return
	}
	s.steps++
	steps := s.steps
	s.w.after(sessionTimeout, "timeout", func() {
		if s.steps == steps {
			s.end(s.w.cfg.sabotage == cutIsComplete, errors.New("timeout"))
		}
	})
	if !s.w.links.connected(from, to) {
		return // it is never heard of again
	}
	if s.w.chance(s.w.profile.cutPermil) {
		s.w.after(s.w.delay(), "cut", func() { s.end(s.w.cfg.sabotage == cutIsComplete, errors.New("cut")) })
		return
	}
	s.w.after(s.w.delay(), "message", func() {
		if s.over {
			return
		}
		m, err := reconcile.Decode(payload)
		if err != nil {
			s.w.fail("every message can be decoded", "%v", err)
			return
		}
		arrive(m)
	})
}

// answer is the responder's turn.
func (s *session) answer(m reconcile.Message) {
	if s.responder == nil {
		s.responder = reconcile.NewResponder(replica{s.to, s.to.life})
		s.theirs = s.w.oracle.holdings(s.to)
	}
	out, done, err := s.responder.Step(context.Background(), m)
	s.w.tracef("%v → %v: %v, answer %v", s.from, s.to, m, out)
	if errors.Is(err, reconcile.ErrProtocol) {
		s.w.fail("a correct session violates no rule", "responder: %v", err)
		return
	}
	if done {
		s.w.oracle.completed(s.to, s.ours, s.responder.Result())
		s.to.learned()
	}
	if !out.IsZero() {
		s.carry(s.to, s.from, out, s.proceed)
	}
}

// proceed is the initiator's turn.
func (s *session) proceed(m reconcile.Message) {
	if s.from.life == s.life {
		s.from.door.progress = s.w.now
	}
	out, done, err := s.initiator.Step(context.Background(), m)
	if errors.Is(err, reconcile.ErrProtocol) {
		s.w.fail("a correct session violates no rule", "initiator: %v", err)
		return
	}
	if err != nil || done {
		s.end(done, err)
		return
	}
	s.carry(s.from, s.to, out, s.answer)
}

func (s *session) end(complete bool, err error) {
	if s.over {
		return
	}
	s.over = true
	if !complete {
		s.w.counts.SyncsFailed++
		s.w.tracef("%v → %v: sync failed: %v", s.from, s.to, err)
		s.ended(false)
		return
	}
	s.w.counts.Syncs++
	s.w.counts.Skipped += s.initiator.Result().Skipped
	s.w.tracef("%v → %v: sync complete, differed %d, skipped %d", s.from, s.to,
		s.initiator.Result().Differed, s.initiator.Result().Skipped)
	s.w.oracle.completed(s.from, s.theirs, s.initiator.Result())
	s.from.learned()
	s.ended(true)
}
