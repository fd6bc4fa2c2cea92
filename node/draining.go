package node

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

const (
	// drainMax is how long a node that is told to stop waits for the orders that
	// it has begun. With the goodbye and the flush of its parts it has ended
	// within 10 s.
	drainMax = 3 * time.Second
	// drainLook is the pause between two looks at whether they have ended. A signal from
	// each order would cost all orders what the stop alone needs.
	drainLook = 5 * time.Millisecond

	// yieldSyncMax bounds each of the two syncs with the city that keeps the name.
	// What they do not bring over in that time the others bring, or the store keeps.
	yieldSyncMax = 30 * time.Second
)

// draining lets the orders that were begun end before the node stops, and no new
// one begin.
type draining struct {
	begun   atomic.Bool
	running atomic.Int64 // orders
}

// order is called when an order begins, and returns what is called when it ends.
func (d *draining) order(city string) (end func(), err error) {
	d.running.Add(1) // before the look, as drain sets begun before it: one of the two sees the other
	if d.begun.Load() {
		d.running.Add(-1)
		return nil, protocol.Errorf(protocol.Unavailable, "city %s is stopping", city)
	}
	return func() { d.running.Add(-1) }, nil
}

// drain refuses new orders and waits for those that run. An order that a hanging disk holds
// up is not waited for longer than drainMax: its caller hears that the city is gone, and
// sends it again.
func (d *draining) drain() {
	d.begun.Store(true)
	late := time.NewTimer(drainMax)
	defer late.Stop()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for d.running.Load() > 0 {
		select {
		case <-late.C:
			return
		case <-look.C:
		}
	}
}

// untilDrained returns a context that is done once ctx is and the orders that were begun then have ended,
// or when the function is called.
func (d *draining) untilDrained(ctx context.Context) (context.Context, context.CancelFunc) {
	// What the parts are run with must not end with ctx itself: the orders need them.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		d.drain()
		stop()
	})
	return inner, func() {
		forget()
		stop()
	}
}

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

// syncBefore syncs with the holder once. That it fails does not keep this city from
// yielding: two cities of one name would go on to take each other's orders.
func (n *Node) syncBefore(ctx context.Context, holder peer.ID) {
	ctx, cancel := context.WithTimeout(ctx, yieldSyncMax)
	defer cancel()
	if _, err := n.entropy.Sync(ctx, holder); err != nil {
		n.log.Warn("the holder of the name was not given what this city holds", "holder", holder, "err", err)
	}
}
