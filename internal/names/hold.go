package names

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// Identified weighs what a city has just said of itself, and the change of its entry
// that followed, or nil. Where only those are on the network who were admitted, the
// holder of the younger claim to a name gives the name up. Each of the two finds
// that out by itself, from the other's own answer.
func (n *Names) Identified(p peer.ID, info protocol.InfoReply, changed *membership.Event) {
	if info.City != n.cfg.City {
		return
	}
	// Told once a change, not at each of the other's answers.
	if changed != nil && changed.Status == protocol.StatusAlive {
		n.log.Warn("another peer claims this city's name", "city", n.cfg.City, "peer", p)
		n.cfg.Contested(n.cfg.City, p)
	}
	own := n.ownClaim()
	// A city without a claim of its own is in Claim now, which decides the same.
	if !n.cfg.Trusted || own.since == 0 {
		return
	}
	other := claim{holder: n.cfg.Members.AddrInfo(p), since: info.Since}
	if !other.beats(own, n.cfg.Now()) {
		return
	}
	select {
	case n.lost <- other.holder:
	default: // it is being given up
	}
}

// Serve holds the name until ctx is done. If another city turns out to keep the
// name, Serve yields to that city first.
func (n *Names) Serve(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case holder := <-n.lost:
		n.log.Warn("another city has had this name for longer and keeps it; this one gives it what it holds and stops",
			"city", n.cfg.City, "holder", holder.ID)
		n.cfg.Yield(ctx, holder)
		// Yield has the whole node stop. Until that ends this goroutine there is
		// nothing more to hold.
		<-ctx.Done()
		return nil
	}
}
