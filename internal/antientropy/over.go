package antientropy

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/wake"
)

// SyncOver does what Sync does over streams that open opens, for a peer to which the host
// itself opens none. Nothing is remembered of the sessions, and no stream is kept.
func (a *AntiEntropy) SyncOver(ctx context.Context, p peer.ID, open func(context.Context) (network.MuxedStream, error)) (result reconcile.Result, err error) {
	for try, pause := 1, triesPause; ; try++ {
		result, err = a.syncOver(ctx, p, open)
		if err == nil || try == triesMax || wake.Sleep(ctx, pause) != nil {
			return result, err
		}
		pause *= 2 // some 25 s in all: the own city may still be filled from its store
	}
}

func (a *AntiEntropy) syncOver(ctx context.Context, p peer.ID, open func(context.Context) (network.MuxedStream, error)) (reconcile.Result, error) {
	replica, err := a.city.replica(p, forOwn, true) // the peer has the own key
	if err != nil {
		return reconcile.Result{}, err
	}
	muxed, err := open(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	stream := NewStream(bareStream{MuxedStream: muxed})
	defer context.AfterFunc(ctx, func() { _ = stream.Reset() })()
	session := reconcile.NewInitiator(replica, reconcile.Options{Salt: rand.Uint64()})
	err = a.drive(ctx, p, stream, session)
	a.progress.over(p)
	if err != nil {
		_ = stream.Reset()
		return session.Result(), fmt.Errorf("sync with %s: %w", p, err)
	}
	_ = stream.Close() // the session is complete, whatever that says
	return session.Result(), nil
}

// A bareStream is a stream of a connection that no swarm knows. A session uses nothing
// of a stream but what it carries, so the rest is not there.
type bareStream struct {
	network.MuxedStream
	absent
}

// absent has the other methods of a stream, which nobody calls.
type absent struct{ network.Stream }
