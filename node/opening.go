package node

import (
	"context"
	"sync"
	"time"

	"github.com/citynode/citynode/city"
)

const (
	// joinWait is how long a city that knows of other peers waits for one to
	// be connected before it counts as alone.
	joinWait = 2 * time.Second
	// openingAttempts and openingPatience are how many sessions must have
	// failed, and how long it must have tried, before a city opens without
	// one.
	openingAttempts = 2
	openingPatience = 5 * time.Second
)

// opening decides when a new incarnation may say that a hero is unknown: when
// it knows what a neighbour knows, or when there is none that can be asked.
type opening struct {
	node *Node

	mu     sync.Mutex // guards the rest
	closed bool       // waiting to open
	begun  time.Time  // since when it waits; for the first incarnation, since the node started
	first  bool       // the first incarnation has not begun
	failed int
}

func newOpening(n *Node) *opening { return &opening{node: n} }

// nodeStarted begins the wait of the first incarnation, for looking for
// neighbours is part of its name check already.
func (o *opening) nodeStarted() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.first, o.begun = true, time.Now()
}

// begin closes the city: a new incarnation has started.
func (o *opening) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.failed = true, 0
	if !o.first {
		o.begun = time.Now()
	}
	o.first = false
}

// waiting reports whether the city still learns what its neighbours know.
func (o *opening) waiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// synced opens the city after a complete session.
func (o *opening) synced() { o.open(false) }

// sessionEnded counts sessions that failed.
func (o *opening) sessionEnded(err error) {
	if err == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed++
}

// check opens the city if it need not wait any longer, and tells how long
// until it must be called again.
func (o *opening) check() time.Duration {
	o.mu.Lock()
	closed, waited, failed := o.closed, time.Since(o.begun), o.failed
	o.mu.Unlock()
	if !closed {
		return syncIdle
	}
	alone := len(o.node.entropy.pick(1)) == 0
	switch {
	case alone && (waited >= joinWait || !o.node.knowsPeers()):
		o.open(true)
	case !alone && failed >= openingAttempts && waited >= openingPatience:
		o.open(false)
	default:
		return o.node.cfg.SyncEvery / 10
	}
	return syncIdle
}

func (o *opening) open(alone bool) {
	o.mu.Lock()
	opens := o.closed
	o.closed = false
	o.mu.Unlock()
	if !opens {
		return
	}
	o.node.judgeClock(context.Background()) // before the first own write is possible
	if _, err := o.node.city.Do(context.Background(), city.Open{}); err != nil {
		return // crashed again; the next incarnation opens by itself
	}
	o.node.opened(alone)
}

// knowsPeers tells whether there are peers that could become neighbours soon.
func (n *Node) knowsPeers() bool { return len(n.cfg.Bootstrap) > 0 || len(n.saved.Peers()) > 0 }
