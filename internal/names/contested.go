package names

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

const (
	// seekEvery is how often a city looks in the DHT for another holder of its name:
	// as often as a city's record there is renewed. Who is on the same gossip is known
	// by its presence.
	seekEvery = 10 * time.Minute
	// seekTimeout bounds one look.
	seekTimeout = time.Minute
)

// Identified notes what a city has just said of itself, and the change of its entry
// that followed, or nil. Another holder of the own name makes the name contested, and no
// more: anybody can claim any name, and each hero is written by the peer whose order it is
// under, so that a name which is held twice does no harm to the state. What becomes of the
// two is the operator's affair.
func (n *Names) Identified(p peer.ID, info protocol.InfoReply, changed *membership.Event) {
	// Told once a change, not at each of the other's answers.
	if info.City != n.cfg.City || changed == nil || changed.Status != protocol.StatusAlive {
		return
	}
	n.contests.Add(1)
	n.log.Debug("another peer claims this city's name", "city", n.cfg.City, "peer", p)
	n.cfg.Contested(n.cfg.City, p)
}

// Contests returns how often another peer was found to claim the own name, or was back
// with it.
func (n *Names) Contests() uint64 { return n.contests.Load() }

// Serve looks now and then for another holder of the name, whom only the DHT knows, until
// ctx is done. One that is found is taken into the directory, as any city that says who it
// is, and makes the name contested.
func (n *Names) Serve(ctx context.Context) error {
	seek := time.NewTimer(0)
	defer seek.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-seek.C:
			n.seek(ctx)
			seek.Reset(seekEvery)
		}
	}
}

// seek looks the own name up as that of another city. The own peer ID is the asker, which
// a search never returns.
func (n *Names) seek(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, seekTimeout)
	defer cancel()
	if _, err := n.lookupOther(ctx, n.cfg.Host.ID(), n.cfg.City); err != nil {
		n.log.Debug("no other holder of the name is found", "err", err)
	}
}
