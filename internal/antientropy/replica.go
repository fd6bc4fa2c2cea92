package antientropy

import (
	"context"
	"sync/atomic"
	"time"
	"weak"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// syncedCity is the own city as sessions see it.
type syncedCity struct {
	city   *city.City
	now    func() crdt.Stamp
	walks  *walks
	spare  spareAuditors
	latest latestSketch
}

// newSyncedCity returns a city for which no audit runs.
func newSyncedCity(c *city.City, now func() crdt.Stamp) *syncedCity {
	return &syncedCity{city: c, now: now, walks: newWalks()}
}

// replica returns the present incarnation, for a session with a peer, which may bring more
// than a stranger or not. It fails between two incarnations.
func (c *syncedCity) replica(with peer.ID, place walkPlace, known bool) (replica, error) {
	inc, err := c.city.Current()
	return replica{inc: inc, now: c.now, with: with, known: known, place: place, walks: c.walks, spare: &c.spare, latest: &c.latest}, err
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
	with   peer.ID
	place  walkPlace
	walks  *walks
	spare  *spareAuditors
	latest *latestSketch
	known  bool // whether the peer may bring more than a stranger
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
	end, err := r.walks.begin(r.with, r.place, costOf(q.Audit, now.Summary), time.Now())
	if err != nil {
		return view, err
	}
	defer end() // also where a walk panics
	auditor := r.spare.take(r.place)
	err = auditor.View(ctx, auditor.pagesOf(r.inc), q, &view)
	if err == nil { // else the city may still write to the page
		r.spare.keep(r.place, auditor)
	}
	return view, err
}

// An auditor has the memory that audits take, which the next may use.
type auditor struct {
	reconcile.Auditor
	page []byte
}

// spareAuditors are what audits leave for the next in their place, until the collector
// comes by: audits that follow each other share the memory, and then it is free. What is of
// a place belongs to the walk that runs there. (A sync.Pool has one of each processor, so
// that audits one after another took twice the memory.)
type spareAuditors [walkPlaces]weak.Pointer[auditor]

// take returns the auditor that was kept, or a new one.
func (s *spareAuditors) take(place walkPlace) *auditor {
	if kept := s[place].Value(); kept != nil {
		return kept
	}
	return new(auditor)
}

// keep leaves an auditor for the next walk.
func (s *spareAuditors) keep(place walkPlace, a *auditor) { s[place] = weak.Make(a) }

// pagesOf reads the state of an incarnation, each page in the memory of the one before.
func (a *auditor) pagesOf(inc *city.Incarnation) reconcile.Pages {
	return func(ctx context.Context, at crdt.Cursor) (reconcile.Page, error) {
		page, err := inc.EncodedPageIn(ctx, a.page, at)
		a.page = page.Encoded
		return reconcile.Page{Encoded: page.Encoded, Entries: page.Entries, Next: page.Next, More: page.More}, err
	}
}

// Find looks symbols up.
func (r replica) Find(ctx context.Context, symbols []uint64) (reconcile.Found, error) {
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
	reply, err := r.inc.Do(ctx, city.Update{Entries: e, Source: city.SourceSync, From: string(r.with), Known: r.known})
	return reconcile.Merged{
		Changed: reply.Changed, Future: reply.Future, LeftOut: symbolsOf(reply.LeftOut), Over: reply.Over,
	}, err
}

// symbolsOf returns the symbols of entries, worked out here and not in the city's loop.
func symbolsOf(e crdt.Entries) (symbols []uint64) {
	for _, t := range e.Tombstones {
		symbols = append(symbols, t.Fingerprint().Symbol())
	}
	for _, h := range e.Heroes {
		symbols = append(symbols, h.Fingerprint().Symbol())
	}
	return symbols
}
