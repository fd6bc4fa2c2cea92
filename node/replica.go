package node

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// replica is one incarnation of the city as a session sees it.
type replica struct {
	inc    *city.Incarnation
	now    func() crdt.Stamp
	audits chan struct{} // holds a token for each audit that may run now
	latest *latestSketch
}

// latestSketch is the longest sketch that was looked at since the state last
// changed. All sessions share it, so that many neighbours who ask at once cost
// the city's loop one copy.
type latestSketch struct{ atomic.Pointer[heldSketch] }

// heldSketch is a sketch of one incarnation. Nobody writes to it.
type heldSketch struct {
	inc *city.Incarnation
	city.Sketch
}

// of gives the first cells of the incarnation's sketch.
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
	kept := q.Cells
	if !q.Audit.IsZero() {
		kept = 0
	}
	now, err := r.latest.of(ctx, r.inc, kept)
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

// Page is a page of the state, encoded.
func (r replica) Page(ctx context.Context, at crdt.Cursor) (reconcile.Page, error) {
	page, err := r.inc.EncodedPage(ctx, at)
	return reconcile.Page{Encoded: page.Encoded, Entries: page.Entries, Next: page.Next, More: page.More}, err
}

// Merge merges entries as an update by anti-entropy.
func (r replica) Merge(ctx context.Context, e crdt.Entries) (reconcile.Merged, error) {
	reply, err := r.inc.Do(ctx, city.Update{Entries: e, Source: city.SourceSync})
	return reconcile.Merged{Changed: reply.Changed, Future: reply.Future}, err
}

// audit runs one walk through the whole state, if one may run now: they cost
// time with the size of the state, and others can ask for them.
func (r replica) audit(walk func() error) error {
	select {
	case <-r.audits:
	default:
		return fmt.Errorf("audit: %w", reconcile.ErrBusy)
	}
	defer func() { r.audits <- struct{}{} }()
	return walk()
}
