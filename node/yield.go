package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// yieldSyncMax bounds each of the two syncs with the city that keeps the name.
// What they do not bring over in that time the others bring, or the store keeps.
const yieldSyncMax = 30 * time.Second

// weighClaim is called whenever a city has said itself that it has this city's
// name. Where only those are on the network who were admitted, the holder of the
// younger claim gives the name up; each of the two finds that out by itself, from
// the other's own answer.
func (n *Node) weighClaim(p peer.ID, info protocol.InfoReply) {
	own := n.ownClaim()
	if info.City != n.cfg.City.Name || !n.cfg.Trusted || own.since == 0 {
		return
	}
	other := claim{holder: n.addrInfo(p), since: info.Since}
	if !other.beats(own, n.now()) {
		return
	}
	select {
	case n.outclaimed <- &NameTakenError{Name: n.cfg.City.Name, Holder: other.holder}:
	default: // it is being given up
	}
}

// keepName holds the name until ctx is done, or until another city keeps it: then
// the node stops.
func (n *Node) keepName(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case taken := <-n.outclaimed:
		n.yield(ctx, taken)
		<-ctx.Done()
		return nil
	}
}

// yield stops the node in favour of the holder of its name, which is given all
// that this city holds: most of it before orders are refused, the rest after the
// last of them has ended.
func (n *Node) yield(ctx context.Context, taken *NameTakenError) {
	n.log.Warn("another city has had this name for longer and keeps it; this one gives it what it holds and stops",
		"city", taken.Name, "holder", taken.Holder.ID)
	n.syncBefore(ctx, taken.Holder.ID)
	n.draining.drain()
	n.syncBefore(ctx, taken.Holder.ID)
	n.quit(taken)
}

// syncBefore syncs with the holder once.
func (n *Node) syncBefore(ctx context.Context, holder peer.ID) {
	ctx, cancel := context.WithTimeout(ctx, yieldSyncMax)
	defer cancel()
	if _, err := n.entropy.syncWith(ctx, holder); err != nil {
		n.log.Warn("the holder of the name was not given what this city holds", "holder", holder, "err", err)
	}
}
