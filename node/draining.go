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
)

// draining lets the orders that were begun end before the node stops, and no new
// one begin.
type draining struct {
	begun   atomic.Bool
	running atomic.Int64 // orders
	told    func()       // if set, is called once no order begins any more
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
	if d.told != nil {
		d.told()
	}
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

// NameTakenError says that this city did not start, since another live peer, which said so
// itself, is the city of this name.
type NameTakenError struct {
	Name   string
	Holder peer.AddrInfo
}

// Error names the holder.
func (e *NameTakenError) Error() string {
	return fmt.Sprintf("the name %s is held by peer %s, which is alive at %v; choose another name, or stop that city first",
		e.Name, e.Holder.ID, e.Holder.Addrs)
}
