package node

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// yieldSyncMax bounds each of the two syncs with the city that keeps the name.
// What they do not bring over in that time the others bring, or the store keeps.
const yieldSyncMax = 30 * time.Second

// NameTakenError says that another live peer, which said so itself, is the city
// of this name, and keeps it.
type NameTakenError struct {
	Name   string
	Holder peer.AddrInfo
}

// Error names the holder.
func (e *NameTakenError) Error() string {
	return fmt.Sprintf("the name %s is held by peer %s, which is alive at %v; choose another name, or stop that city first",
		e.Name, e.Holder.ID, e.Holder.Addrs)
}

// yield stops the node in favour of the holder of its name. The holder is given all
// that this city holds: most of it before orders are refused, the rest after the
// last of them has ended.
func (n *Node) yield(ctx context.Context, holder peer.AddrInfo) {
	n.syncBefore(ctx, holder.ID)
	n.draining.drain()
	n.syncBefore(ctx, holder.ID)
	n.life.stop(&NameTakenError{Name: n.cfg.City.Name, Holder: holder})
}

// syncBefore syncs with the holder once.
func (n *Node) syncBefore(ctx context.Context, holder peer.ID) {
	ctx, cancel := context.WithTimeout(ctx, yieldSyncMax)
	defer cancel()
	if _, err := n.entropy.Sync(ctx, holder); err != nil {
		n.log.Warn("the holder of the name was not given what this city holds", "holder", holder, "err", err)
	}
}
