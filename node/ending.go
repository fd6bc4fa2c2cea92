package node

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/citynode/citynode/internal/supervise"
)

// How long a node may take to end. A supervisor of processes that has asked a program to
// end kills it after 10 s or more (Docker after 10), and what the program does after its
// node has ended takes a little too.
const (
	// childrenEndMax is from when the node is told to stop until its children have ended,
	// the orders that are waited for included (drainMax).
	childrenEndMax = 6500 * time.Millisecond
	// endMax is until all the rest is closed as well.
	endMax = 8500 * time.Millisecond
	// partEndMax bounds each part. It is far beyond what one needs (50 cities that end at once
	// on two cores: under a second), and leaves the others time where one hangs.
	partEndMax = 3 * time.Second
)

// ErrHung is matched by the error of Run and Close where parts of the node did not end in
// time. The error names them. What they hold is lost to this process: the ports of a host
// that hangs, and the folder, which nobody else may have until the process ends.
var ErrHung = errors.New("the node did not end in time")

// ending is when a node began to end.
type ending struct{ begun atomic.Pointer[time.Time] }

// begin returns when the node began to end, which is now for the first call.
func (e *ending) begin() time.Time {
	now := time.Now()
	e.begun.CompareAndSwap(nil, &now)
	return *e.begun.Load()
}

// childrenBy returns when the children have to have ended.
func (e *ending) childrenBy() time.Time { return e.begin().Add(childrenEndMax) }

// release gives back what New has taken, the folder last: until its store is closed and
// nothing of this node is on the network, no other node may have it. Where a part hangs,
// now or before, the folder keeps its lock. Any part may be missing, where New has failed.
func (n *Node) release(hung bool) error {
	closing := supervise.Closing{By: n.ending.begin().Add(endMax), PartMax: partEndMax, Abandoned: n.abandoned}
	if n.saved != nil {
		closing.Close("saved peers", n.flushSaved)
	}
	if n.clients != nil {
		closing.Close("clients", func() error { n.clients.Close(); return nil })
	}
	if n.dht != nil {
		closing.Close("dht", n.dht.Close)
	}
	if n.router != nil {
		closing.Close("gossip router", n.router.Close)
	}
	if n.host != nil && n.cfg.Host == nil {
		closing.Close("host", n.host.Close)
	}
	switch {
	case n.folder == nil:
	case hung || errors.Is(closing.Err(), supervise.ErrStopTimeout):
		closing.Close("store", n.folder.Abandon)
	default:
		closing.Close("store", n.folder.Close)
	}
	return closing.Err()
}

// flushSaved writes the last-known peers. They only shorten the way back, so that they are
// not written is no failure of the node.
func (n *Node) flushSaved() error {
	if err := n.saved.Flush(); err != nil {
		n.log.Warn("last-known peers were not saved", "err", err)
	}
	return nil
}

// abandoned says which part hangs, and where.
func (n *Node) abandoned(err *supervise.StopError) {
	n.log.Error("a part did not end in time and is abandoned", "part", err.Child, "after", err.Timeout)
	n.log.Debug("where the part hangs", "part", err.Child, "stacks", string(err.Stacks))
}
