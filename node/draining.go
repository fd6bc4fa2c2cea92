package node

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/citynode/citynode/protocol"
)

const (
	// drainMax is how long a node that is told to stop waits for the orders that
	// it has begun. With the goodbye and the flush of its parts it has ended
	// within 10 s.
	drainMax  = 3 * time.Second
	drainLook = 5 * time.Millisecond
)

// draining lets the orders that were begun end before the node stops, and no new
// one begin.
type draining struct {
	begun   atomic.Bool
	running atomic.Int64 // orders
}

// order is called when an order begins, and returns what is called when it ends.
func (d *draining) order(city string) (end func(), err error) {
	d.running.Add(1) // before the look: one of the two sees the other
	if d.begun.Load() {
		d.running.Add(-1)
		return nil, protocol.Errorf(protocol.Unavailable, "city %s is stopping", city)
	}
	return func() { d.running.Add(-1) }, nil
}

// drain refuses new orders and waits for those that run.
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
