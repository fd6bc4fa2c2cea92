package antientropy

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/wake"
)

const (
	// triesMax is how often Sync begins a session, and triesPause how long it waits
	// after the first. The pause doubles up to a second: five seconds in all, as long as
	// a settle waits for one city.
	triesMax   = 9
	triesPause = 100 * time.Millisecond
)

// Sync syncs with a peer. If the error is nil, a session was complete: each side holds
// what the other held when it began. A session that ended for a reason that passes is
// tried again, for some five seconds or until ctx is done.
func (a *AntiEntropy) Sync(ctx context.Context, p peer.ID) (result reconcile.Result, err error) {
	for try, pause := 1, triesPause; ; try++ {
		result, err = a.syncOnce(ctx, p)
		if !passes(err) || try == triesMax || wake.Sleep(ctx, pause) != nil {
			return result, err
		}
		pause = min(2*pause, time.Second)
	}
}

// passes reports whether a session ended for a reason that passes by itself.
func passes(err error) bool {
	for _, passing := range []error{errWaits, reconcile.ErrUnavailable, reconcile.ErrMoving, reconcile.ErrOutgrown, reconcile.ErrSated} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// syncOnce runs one session with a peer to its end.
func (a *AntiEntropy) syncOnce(ctx context.Context, p peer.ID) (reconcile.Result, error) {
	// Taken before the session: what changes while it runs, it need not have brought.
	// begun measures, and start is shown to others.
	begun, start := time.Now(), a.cfg.Now()
	result, err := a.initiateWith(ctx, p)
	a.noteManner(ctx, p, result, err)
	a.progress.over(p)
	switch {
	case err == nil:
		a.completed(p, result, start, begun)
	case errors.Is(err, errWaits):
		// Nobody is told: the session has not failed, it is yet to come.
	case ctx.Err() == nil:
		a.log.Debug("sync ended early", "peer", p, "err", err)
		a.cfg.Hooks.Synced(SyncEvent{City: a.cfg.Cluster.NameOf(p), Peer: p, Took: time.Since(begun), Err: err})
	}
	return result, err
}

// noteManner notes whether the peer has answered. That whoever wanted the session has gone
// away says nothing about the peer.
func (a *AntiEntropy) noteManner(ctx context.Context, p peer.ID, result reconcile.Result, err error) {
	switch {
	case err == nil:
		a.manners.note(p, answers)
	case errors.Is(ctx.Err(), context.Canceled), passes(err):
	case result.Peer == reconcile.Hello{}:
		a.manners.note(p, silent)
	default:
		a.manners.note(p, strange)
	}
}

// completed notes a session that was complete, for this side at least.
func (a *AntiEntropy) completed(p peer.ID, result reconcile.Result, start crdt.Stamp, begun time.Time) {
	// A complete session brought both sides what the other had, so it counts for both,
	// whoever began it.
	a.requests.fulfilled(p, begun)
	a.standing.synced(p, time.Now())
	a.cfg.Cluster.Agreed(p, result.Peer, start, begun)
	a.opening.synced()
	a.cfg.Hooks.Synced(SyncEvent{
		City: a.cfg.Cluster.NameOf(p), Peer: p,
		Differed: result.Differed, Skipped: result.Skipped, Took: time.Since(begun),
	})
}
