package antientropy

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
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
	pause := a.cfg.Every
	random := time.NewTimer(wake.Jitter(pause))
	defer random.Stop()
	for {
		busy := func(p peer.ID) bool { return running[p] || a.responders.serves(p) }
		due, wait := a.requests.take(time.Now(), sessionsMax-len(running), busy)
		for _, p := range due {
			start(p, false)
		}
		next := time.After(min(wait, a.opening.check()))
		select {
		case <-ctx.Done():
			return nil
		case <-a.requests.wake:
		case <-next:
		case o := <-ended:
			delete(running, o.peer)
			a.opening.sessionEnded(o.err)
			pause = a.nextPause(pause, o)
		case <-random.C:
			// A round that finds no room is left out. What is requested comes first.
			if some := a.cfg.Cluster.Neighbours(1); len(some) == 1 && len(running) < sessionsMax && !running[some[0]] {
				start(some[0], true)
			}
			random.Reset(wake.Jitter(pause))
		}
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
	result, err := a.Sync(ctx, p)
	switch {
	case ctx.Err() != nil:
		return outcome{peer: p, err: ctx.Err()}
	case err != nil:
		return outcome{peer: p, err: err}
	}
	return outcome{peer: p, differs: result.Differed > 0}
}

// Sync runs one session with a peer to its end. If the error is nil, the session was
// complete: each side holds what the other held when it began.
func (a *AntiEntropy) Sync(ctx context.Context, p peer.ID) (reconcile.Result, error) {
	// Taken before the session: what changes while it runs, it need not have brought.
	// begun measures, and start is shown to others.
	begun, start := time.Now(), a.cfg.Now()
	result, err := a.initiateWith(ctx, p)
	a.progress.over(p)
	switch {
	case err == nil:
		a.completed(p, result, start, begun)
	case ctx.Err() == nil:
		a.log.Debug("sync ended early", "peer", p, "err", err)
		a.cfg.Hooks.Synced(SyncEvent{City: a.cfg.Cluster.NameOf(p), Peer: p, Took: time.Since(begun), Err: err})
	}
	return result, err
}

// completed notes a session that was complete, for this side at least.
func (a *AntiEntropy) completed(p peer.ID, result reconcile.Result, start crdt.Stamp, begun time.Time) {
	// A complete session brought both sides what the other had, so it counts for both,
	// whoever began it.
	a.requests.fulfilled(p, begun)
	a.cfg.Cluster.Agreed(p, result.Peer, start)
	a.opening.synced()
	a.cfg.Hooks.Synced(SyncEvent{
		City: a.cfg.Cluster.NameOf(p), Peer: p,
		Differed: result.Differed, Skipped: result.Skipped, Took: time.Since(begun),
	})
}
