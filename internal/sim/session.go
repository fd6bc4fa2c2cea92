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
	peer *node
}

func (r replica) alive() bool {
	return r.n.core != nil && (r.n.life == r.life || r.n.w.cfg.sabotage == blindMerge)
}

// View returns the state at this moment.
func (r replica) View(ctx context.Context, q reconcile.Query) (reconcile.View, error) {
	if !r.alive() {
		return reconcile.View{}, errDown
	}
	state := r.n.core.State()
	view := reconcile.View{Hello: reconcile.Hello{
		Incarnation: crdt.Stamp(r.life),
		Summary:     state.Summary(),
		Now:         crdt.StampAt(r.n.time()),
	}}
	if !q.Audit.IsZero() {
		err := reconcile.AuditView(ctx, r.Page, q, &view)
		return view, err
	}
	if q.Cells > 0 {
		view.Cells = state.AppendCells(nil, q.Cells)
	}
	return view, nil
}

// Find looks symbols up.
func (r replica) Find(_ context.Context, symbols []uint64) (reconcile.Found, error) {
	if !r.alive() {
		return reconcile.Found{}, errDown
	}
	found := city.Find(r.n.core.State(), symbols)
	return reconcile.Found{Entries: found.Entries, Replaced: found.Replaced, Unknown: found.Unknown}, nil
}

// Page returns a small page.
func (r replica) Page(_ context.Context, at crdt.Cursor) (p reconcile.Page, err error) {
	if !r.alive() {
		return reconcile.Page{}, errDown
	}
	p.Encoded, p.Entries, p.Next, p.More = r.n.core.State().AppendPage(nil, at, r.n.w.profile.pageBytes)
	return p, nil
}

// Merge is an update by anti-entropy.
func (r replica) Merge(_ context.Context, e crdt.Entries) (reconcile.Merged, error) {
	if !r.alive() {
		return reconcile.Merged{}, errDown
	}
	if r.n.w.cfg.sabotage == forgetTombstones {
		e.Tombstones = nil
	}
	reply, _ := r.n.step(city.Update{Entries: e, Source: city.SourceSync, From: r.peer.String(), Known: true})
	return reconcile.Merged{
		Changed: reply.Changed, Future: reply.Future, LeftOut: symbolsOf(reply.LeftOut), Over: reply.Over,
	}, nil
}

// session is one sync between two cities, on a stream that delivers in order
// until it is cut.
type session struct {
	w         *world
	from, to  *node
	life      int // of the initiator
	initiator *reconcile.Initiator
	responder *reconcile.Responder
	ours      holdings      // the initiator's, at the start
	theirs    holdings      // the responder's
	steps     int           // grows with each message that is sent or comes
	inOrder   time.Duration // when the last message on its way comes
	over      bool
	broken    bool        // nothing more arrives
	deaf      bool        // the responder has given up
	ended     func(error) // nil: complete
}

// syncWithSomebody runs a session with a random connected city.
func (n *node) syncWithSomebody() {
	peers := n.peers()
	if n.core == nil || len(peers) == 0 {
		return
	}
	n.w.sync(n, peers[n.w.rng.IntN(len(peers))], func(error) {})
}

// syncInCalm syncs with another city, and again where the states changed faster than they
// were compared, as other sessions of the same round may make them. So does
// internal/antientropy.
func (w *world) syncInCalm(from, to *node, tries int, ended func(error)) {
	w.sync(from, to, func(err error) {
		if errors.Is(err, reconcile.ErrMoving) && tries > 1 {
			w.after(w.delay(), "sync again", func() { w.syncInCalm(from, to, tries-1, ended) })
			return
		}
		ended(err)
	})
}

// sync begins a session; ended is told how it ended for the initiator: with nil if it was
// complete.
func (w *world) sync(from, to *node, ended func(error)) {
	s := &session{w: w, from: from, to: to, life: from.life, ended: ended}
	s.initiator = reconcile.NewInitiator(replica{from, from.life, to}, from.syncOptions())
	hello, err := s.initiator.Begin(context.Background())
	if err != nil {
		s.end(false, err)
		return
	}
	s.ours = w.oracle.holdings(from)
	s.carry(from, to, hello, s.answer)
}

// syncOptions returns what a session may know from before.
func (n *node) syncOptions() reconcile.Options {
	o := reconcile.Options{Deferred: n.deferred.Clone(), Salt: n.w.rng.Uint64(), BulkOver: n.w.profile.bulkOver}
	if n.w.rng.IntN(4) == 0 {
		o.Audit = n.w.rng.Uint64()
	}
	if len(n.leftOut) > 0 {
		o.LeftOut = n.leftOut.at(n.w.now)
	}
	return o
}

// carry brings a message to the other side, or cuts the session.
func (s *session) carry(from, to *node, m reconcile.Message, arrive func(reconcile.Message)) {
	payload, err := m.Encode()
	if err != nil {
		s.w.fail("every message can be encoded", "%v: %v", m, err)
		return
	}
	s.watch()
	if s.broken || !s.w.links.connected(from, to) {
		s.broken = true // neither this nor what follows is ever heard of
		return
	}
	if s.w.chance(s.w.profile.cutPermil) {
		s.broken = true
		s.w.after(s.w.delay(), "cut", func() { s.end(s.w.cfg.sabotage == cutIsComplete, errors.New("cut")) })
		return
	}
	s.inOrder = max(s.inOrder+1, s.w.now+s.w.delay())
	s.w.after(s.inOrder-s.w.now, "message", func() {
		if s.over {
			return
		}
		s.watch()
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
	if s.deaf {
		return
	}
	if s.responder == nil {
		s.responder = reconcile.NewResponder(replica{s.to, s.to.life, s.from})
		s.theirs = s.w.oracle.holdings(s.to)
	}
	before := s.responder.Done()
	out, err := s.responder.Step(context.Background(), m)
	for {
		s.w.tracef("%v → %v: %v, answer %v", s.from, s.to, m, out)
		if errors.Is(err, reconcile.ErrProtocol) {
			s.w.fail("a correct session violates no rule", "responder: %v", err)
			return
		}
		if out.IsZero() {
			break
		}
		s.carry(s.to, s.from, out, s.proceed)
		if err != nil {
			s.deaf = true // a real one stops reading
			return
		}
		out, err = s.responder.Next(context.Background())
	}
	if result := s.responder.Result(); result.Complete && !before {
		s.w.oracle.completed(s.to, s.ours, result)
		s.to.learned()
	}
}

// proceed is the initiator's turn.
func (s *session) proceed(m reconcile.Message) {
	if s.from.life == s.life {
		s.from.door.progress = s.w.now
	}
	out, err := s.initiator.Step(context.Background(), m)
	for err == nil && !out.IsZero() {
		s.carry(s.from, s.to, out, s.answer)
		out, err = s.initiator.Next(context.Background())
	}
	if errors.Is(err, reconcile.ErrProtocol) {
		s.w.fail("a correct session violates no rule", "initiator: %v", err)
		return
	}
	if err != nil || s.initiator.Done() {
		s.end(err == nil, err)
	}
}

// watch ends the session if nothing happens in it for a while.
func (s *session) watch() {
	s.steps++
	steps := s.steps
	s.w.after(sessionTimeout, "timeout", func() {
		if s.steps == steps {
			s.end(s.w.cfg.sabotage == cutIsComplete, errors.New("timeout"))
		}
	})
}

func (s *session) end(complete bool, err error) {
	if s.over {
		return
	}
	s.over = true
	if s.from.life == s.life {
		for _, h := range s.initiator.Result().Future {
			s.from.deferred.Add(h, crdt.StampAt(s.from.time()))
		}
		s.from.leftOut.note(s.initiator.Result().LeftOut, s.w.now)
	}
	if !complete {
		s.w.counts.SyncsFailed++
		s.w.tracef("%v → %v: sync failed: %v", s.from, s.to, err)
		s.ended(err)
		return
	}
	s.w.counts.Syncs++
	s.w.counts.Skipped += s.initiator.Result().Skipped
	s.w.tracef("%v → %v: sync complete, differed %d, skipped %d", s.from, s.to,
		s.initiator.Result().Differed, s.initiator.Result().Skipped)
	s.w.oracle.completed(s.from, s.theirs, s.initiator.Result())
	s.from.learned()
	s.ended(nil)
}
