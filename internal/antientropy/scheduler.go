package antientropy

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/internal/wake"
)

const (
	// idleEvery is the longest time between two random rounds, reached while they
	// find nothing.
	idleEvery = 30 * time.Second
	// slowing is by how much the pause grows after a round that found nothing.
	slowing = 2
	// outrunPause is how long a session waits to be tried again that ended because the
	// states changed faster than it compared them, or since the other side brought more new
	// entries than the city takes. What fed them is mostly over then, and more is taken.
	outrunPause = time.Second
)

// Serve runs sessions until ctx is done: those that are requested, and one with a
// random city at intervals that grow while they find nothing. It returns nil once
// all of them have ended.
func (a *AntiEntropy) Serve(ctx context.Context) error {
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return a.schedule(ctx, group) })
	err := group.Wait()
	// Last, when no session is left that could give a stream back.
	a.streams.idle.CloseAll()
	return err
}

// An outcome is how a session that this node began has ended.
type outcome struct {
	peer    peer.ID
	random  bool
	differs bool
	err     error
}

// schedule decides whom to sync with. Its goroutine owns who is being synced with
// and the pause; each session has a goroutine of its own.
func (a *AntiEntropy) schedule(ctx context.Context, group *supervise.Group) error {
	running := make(map[peer.ID]bool)
	// Those that have much to send, until the city that sends now has ended.
	waiting := make(map[peer.ID]bool)
	// Has room for all sessions, so that they end although nobody reads any more.
	ended := make(chan outcome, sessionsMax)
	start := func(p peer.ID, random bool) {
		running[p] = true
		group.Go(func() error {
			o := a.run(ctx, p)
			o.random = random
			ended <- o
			return nil
		})
	}
	busy := func(p peer.ID) bool { return waiting[p] || running[p] || a.responders.serves(p) }
	pause := a.cfg.Every
	random := time.NewTimer(wake.Jitter(pause))
	defer random.Stop()
	for {
		again, fed := a.intake.held(time.Now())
		if !fed {
			clear(waiting)
		}
		due, wait := a.requests.take(time.Now(), sessionsMax-len(running), busy)
		for _, p := range due {
			start(p, false)
		}
		next := time.After(min(wait, again, a.opening.check()))
		select {
		case <-ctx.Done():
			return nil
		case <-a.requests.wake:
		case <-next:
		case o := <-ended:
			delete(running, o.peer)
			if errors.Is(o.err, errWaits) {
				waiting[o.peer] = true
			}
			a.ended(o)
			pause = a.nextPause(pause, o)
		case <-random.C:
			// A round that finds no room is left out. What is requested comes first.
			if some := a.cfg.Cluster.Neighbours(1); len(some) == 1 && len(running) < sessionsMax && !busy(some[0]) {
				start(some[0], true)
			}
			random.Reset(wake.Jitter(pause))
		}
	}
}

// ended notes how a session ended. One that waits for another city's state begins once
// that has come, and one that the states outran, or that brought too much, has less to do
// soon.
func (a *AntiEntropy) ended(o outcome) {
	switch {
	case errors.Is(o.err, errWaits):
		a.requests.add(o.peer, 0)
	case errors.Is(o.err, reconcile.ErrMoving), errors.Is(o.err, reconcile.ErrOutgrown), errors.Is(o.err, reconcile.ErrSated):
		a.requests.add(o.peer, outrunPause)
		a.opening.sessionEnded(o.err)
	default:
		a.opening.sessionEnded(o.err)
	}
}

// nextPause returns the pause between random rounds after a session. It grows while
// they find nothing. One that found something makes the next come soon, for
// there may be more. A session that failed says neither.
func (a *AntiEntropy) nextPause(pause time.Duration, o outcome) time.Duration {
	switch {
	case o.err == nil && o.differs:
		return a.cfg.Every
	case o.err == nil && o.random:
		return min(pause*slowing, max(idleEvery, a.cfg.Every))
	default:
		return pause
	}
}

// run runs one session with a peer, and what follows from its end.
func (a *AntiEntropy) run(ctx context.Context, p peer.ID) outcome {
	result, err := a.syncOnce(ctx, p)
	switch {
	case ctx.Err() != nil:
		return outcome{peer: p, err: ctx.Err()}
	case err != nil:
		return outcome{peer: p, err: err}
	}
	return outcome{peer: p, differs: result.Differed > 0}
}
