package antientropy

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// auditsMax is how many walks through the whole state may run at once for audits.
const auditsMax = 1

// syncedCity is the own city as sessions see it.
type syncedCity struct {
	city   *city.City
	now    func() crdt.Stamp
	audits chan struct{} // has a token for each audit that may run now
	latest latestSketch
}

// newSyncedCity returns a city for which no audit runs.
func newSyncedCity(c *city.City, now func() crdt.Stamp) *syncedCity {
	synced := &syncedCity{city: c, now: now, audits: make(chan struct{}, auditsMax)}
	for range auditsMax {
		synced.audits <- struct{}{}
	}
	return synced
}

// replica returns the present incarnation. It fails between two incarnations.
func (c *syncedCity) replica() (replica, error) {
	inc, err := c.city.Current()
	return replica{inc: inc, now: c.now, audits: c.audits, latest: &c.latest}, err
}

// summary returns that of the state now; an empty one while the city restarts. It fails
// only with ctx.
func (c *syncedCity) summary(ctx context.Context) (crdt.Summary, error) {
	inc, err := c.city.Current()
	if err != nil {
		return crdt.Summary{}, nil //nolint:nilerr // between two incarnations the state is empty
	}
	summary, err := inc.Summary(ctx)
	if err != nil && ctx.Err() == nil {
		return crdt.Summary{}, nil
	}
	return summary, err
}

// A replica is one incarnation of the city as a session sees it.
type replica struct {
	inc    *city.Incarnation
	now    func() crdt.Stamp
	audits chan struct{} // as in syncedCity
	latest *latestSketch
}

// A latestSketch is the longest sketch that was looked at since the state last
// changed. All sessions share it, so that many neighbours who ask at once cost
// the city's loop one copy.
type latestSketch struct{ atomic.Pointer[heldSketch] }

// A heldSketch is a sketch of one incarnation. Nobody writes to it.
type heldSketch struct {
	inc *city.Incarnation
	city.Sketch
}

// of returns the first cells of the incarnation's sketch.
func (l *latestSketch) of(ctx context.Context, inc *city.Incarnation, cells int) (city.Sketch, error) {
	var had city.Sketch
	if held := l.Load(); held != nil && held.inc == inc {
		had = held.Sketch
	}
	now, err := inc.Sketch(ctx, cells, had)
	if err == nil && (now.Summary != had.Summary || len(now.Cells) > len(had.Cells)) {
		l.Store(&heldSketch{inc, now})
	}
	return now, err
}

// View looks at the state, or walks through it for an audit.
func (r replica) View(ctx context.Context, q reconcile.Query) (reconcile.View, error) {
	cells := q.Cells
	if !q.Audit.IsZero() {
		cells = 0 // those of the audit are made by its walk
	}
	now, err := r.latest.of(ctx, r.inc, cells)
	view := reconcile.View{
		Hello: reconcile.Hello{Incarnation: r.inc.Number(), Summary: now.Summary, Now: r.now()},
		Cells: now.Cells,
	}
	if err != nil || q.Audit.IsZero() {
		return view, err
	}
	err = r.audit(func() error {
		view.Cells, err = reconcile.AuditCells(ctx, r.Page, q)
		return err
	})
	return view, err
}

// Find looks symbols up.
func (r replica) Find(ctx context.Context, symbols []uint64, a reconcile.Audit) (found reconcile.Found, err error) {
	if !a.IsZero() {
		err = r.audit(func() error {
			found, err = reconcile.AuditFind(ctx, r.Page, symbols, a)
			return err
		})
		return found, err
	}
	some, err := r.inc.Find(ctx, symbols)
	return reconcile.Found{Entries: some.Entries, Replaced: some.Replaced, Unknown: some.Unknown}, err
}

// Page returns a page of the state, encoded.
func (r replica) Page(ctx context.Context, at crdt.Cursor) (reconcile.Page, error) {
	page, err := r.inc.EncodedPage(ctx, at)
	return reconcile.Page{Encoded: page.Encoded, Entries: page.Entries, Next: page.Next, More: page.More}, err
}

// Merge merges entries as an update by anti-entropy.
func (r replica) Merge(ctx context.Context, e crdt.Entries) (reconcile.Merged, error) {
	reply, err := r.inc.Do(ctx, city.Update{Entries: e, Source: city.SourceSync})
	return reconcile.Merged{Changed: reply.Changed, Future: reply.Future}, err
}

// audit runs one walk through the whole state, or fails with ErrBusy if none may run
// now. A walk costs time with the size of the state, and others can ask for walks.
func (r replica) audit(walk func() error) error {
	select {
	case <-r.audits:
	default:
		return fmt.Errorf("audit: %w", reconcile.ErrBusy)
	}
	defer func() { r.audits <- struct{}{} }()
	return walk()
}
