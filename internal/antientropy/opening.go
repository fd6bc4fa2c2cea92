package antientropy

import (
	"errors"
	"sync"
	"time"

	"github.com/citynode/citynode/internal/reconcile"
)

const (
	// ConnectWait is how long a city that knows of other peers waits for one to be
	// connected before it counts as alone. A dial that succeeds takes a few round
	// trips. The city waits no longer than it must: until it opens, a hero that it does
	// not know is unavailable.
	ConnectWait = 2 * time.Second
	// openingAttempts and openingPatience are how many sessions must have
	// failed, and how long it must have tried, before a city opens without
	// one. Two, since one may have met a neighbour that restarts itself. Both must
	// hold: sessions that are refused at once must not open the city at once.
	openingAttempts = 2
	openingPatience = 5 * time.Second
	// openingMax is how long after it was filled a city opens in any case: neighbours
	// that are all starting, or that a peer pretends to be, would keep it closed.
	openingMax = 30 * time.Second
)

// An opening decides when a new incarnation may say that a hero is unknown: when it
// knows what a neighbour knows, or when there is no neighbour that can be asked.
type opening struct {
	cfg Config
	fed func() bool // whether a neighbour sends its whole state just now

	mu     sync.Mutex // guards closed, begun, filled, first, failed
	closed bool       // waiting to open
	filled time.Time  // when the present incarnation had what its store holds
	begun  time.Time  // since when the city waits; its first incarnation since the node started
	first  bool       // the first incarnation has not begun
	failed int
}

func newOpening(cfg Config, fed func() bool) *opening { return &opening{cfg: cfg, fed: fed} }

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
	o.closed, o.failed, o.filled = true, 0, time.Now()
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

// sessionEnded counts sessions that failed. A neighbour that is starting itself, and
// says so, has not failed: it may soon be able to tell what it knows.
func (o *opening) sessionEnded(err error) {
	if err == nil || errors.Is(err, reconcile.ErrUnavailable) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed++
}

// check opens the city if it need not wait any longer, and returns how long until it
// must be called again.
func (o *opening) check() time.Duration {
	o.mu.Lock()
	closed, waited, failed, late := o.closed, time.Since(o.begun), o.failed, time.Since(o.filled) >= openingMax
	o.mu.Unlock()
	if !closed {
		return idleEvery
	}
	// The lock is not held from here on: what is asked and told below has locks of its
	// own.
	alone := len(o.cfg.Cluster.Neighbours(1)) == 0
	switch {
	case alone && (waited >= ConnectWait || !o.cfg.ExpectsPeers()):
		o.open(true)
	case !alone && late: // however much is on its way
		o.open(false)
	case o.fed(): // what is missing is on its way, and the end of that session opens
		return o.cfg.Every / 10
	case !alone && failed >= openingAttempts && waited >= openingPatience:
		o.open(false)
	default:
		return o.cfg.Every / 10
	}
	return idleEvery
}

// open opens the city, unless it is open already. A session that ends and the scheduler
// may call it at the same time: one of them opens the city.
func (o *opening) open(alone bool) {
	o.mu.Lock()
	opens := o.closed
	o.closed = false
	o.mu.Unlock()
	if !opens {
		return
	}
	o.cfg.Open(alone)
}
