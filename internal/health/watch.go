package health

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/citynode/citynode/internal/wake"
	"github.com/citynode/citynode/protocol"
)

// lookEvery is the time between two looks where nothing wakes the watch. It bounds how
// late a problem is told that nobody reports; a look costs microseconds.
const lookEvery = time.Second

// lookGap is the least time between two looks. Others can make news of themselves as fast
// as they can speak, and a look goes over a whole directory, which takes some milliseconds
// where that is full. It is short against the gap of presences.
const lookGap = 100 * time.Millisecond

// Config is what a Watch needs. All fields are required.
type Config struct {
	// Self is the peer, by the ID's bytes, whose own problems Own returns.
	Self string
	// Find returns all problems that there are now, those of Self first. Each may be
	// named more than once.
	Find func() []Finding
	// Changed returns a channel that is closed once there may be news of other cities.
	Changed func() <-chan struct{}
	// OwnChanged is called once the codes that Own returns have changed.
	OwnChanged func()
	// Begun and Over are called once for each problem, when it is found and when it is
	// over, by one goroutine. They must return at once.
	Begun, Over func(Problem)
}

// A Watch keeps the problems of all cities. Its methods are safe for concurrent use.
type Watch struct {
	cfg   Config
	due   wake.Signal
	known *ledger // owned by Serve's goroutine; it outlives a crash, so nothing is told twice
	seen  atomic.Pointer[sight]
}

// A sight is what the last look found. Nobody changes it.
type sight struct {
	all []Problem
	own []protocol.Problem
}

// New returns a watch that knows of nothing until Serve runs.
func New(cfg Config) *Watch {
	w := &Watch{cfg: cfg, due: wake.NewSignal(), known: newLedger()}
	w.seen.Store(new(sight))
	return w
}

// Wake has the watch look soon. It never blocks.
func (w *Watch) Wake() { w.due.Set() }

// All returns the problems that there are, those of the own city first, then the others
// by city. The caller must not change it.
func (w *Watch) All() []Problem { return w.seen.Load().all }

// Own returns the codes of the own city's problems, at most protocol.ProblemsMax; nil for
// none. The caller must not change it.
func (w *Watch) Own() []protocol.Problem { return w.seen.Load().own }

// Serve looks each second, and when it is woken, until ctx is done. It returns nil.
func (w *Watch) Serve(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		// Before the look, so that no change falls in between.
		changed := w.cfg.Changed()
		w.look()
		// The gap comes before the wait, so one look sees all that happens within it.
		if wake.Sleep(ctx, lookGap) != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-w.due:
		case <-tick.C:
		}
	}
}

// look finds all problems, shows them, and then tells what has changed.
func (w *Watch) look() {
	begun, over := w.known.update(time.Now(), w.cfg.Find())
	before := w.Own()
	next := &sight{all: w.known.all(w.cfg.Self)}
	for _, p := range next.all {
		if p.Peer == w.cfg.Self && len(next.own) < protocol.ProblemsMax {
			next.own = append(next.own, p.Code)
		}
	}
	w.seen.Store(next)
	if !protocol.SameProblems(before, next.own) {
		w.cfg.OwnChanged()
	}
	for _, p := range begun {
		w.cfg.Begun(p)
	}
	for _, p := range over {
		w.cfg.Over(p)
	}
}
