package reconcile

import (
	"context"
	"fmt"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

const (
	// auditCellsMax bounds an audit's sketch, whatever is asked for: with more cells it
	// would show a difference of tens of thousands of entries, and then a whole state
	// costs less than the walks that the audit takes.
	auditCellsMax = 64 << 10
)

// Pages reads a state page by page, as Replica.Page does. A page is the caller's until it
// asks for the next one.
type Pages func(ctx context.Context, at crdt.Cursor) (Page, error)

// An Auditor does the audits' part of Replica.View, by walks through the state. It keeps
// the memory that one takes for the next; whoever has it decides for how long. It serves
// one at a time. The zero Auditor is ready.
type Auditor struct{ met []mark }

// View sets the cells that are asked for, auditCellsMax at most, or what is to be located,
// for which one walk is enough. v has the Hello already, by which it knows what there is.
func (a *Auditor) View(ctx context.Context, pages Pages, q Query, v *View) (err error) {
	if len(q.Locate) > 0 {
		v.Located, err = locate(ctx, pages, q)
		return err
	}
	m := newMarks(q.Audit, marksMax, a.met)
	m.expect(v.Hello.size() / max(q.Audit.Parts, 1))
	v.Cells, err = auditSketch(ctx, pages, q, m)
	a.met = m.met
	return err
}

// AuditView is View of an Auditor that serves once.
func AuditView(ctx context.Context, pages Pages, q Query, v *View) error {
	return new(Auditor).View(ctx, pages, q, v)
}

// auditSketch builds the first cells of an audit's sketch by walks that begin with these
// marks. What changes during the walks is in it in one version.
func auditSketch(ctx context.Context, pages Pages, q Query, m *marks) ([]sketch.Cell, error) {
	cells := min(q.Cells, auditCellsMax)
	s := sketch.New(cells)
	for ; ; m.goOn() {
		if err := walk(ctx, pages, m.takes, m.add); err != nil {
			return nil, err
		}
		m.shrink()
		for _, met := range m.met {
			s.Add(met.symbol())
		}
		if !m.bounded {
			return s.AppendCells(nil, min(cells, s.Cells())), nil
		}
	}
}

// locate returns the symbols in the kept sketch of the entries that have the wanted symbols
// in the audit's sketch.
func locate(ctx context.Context, pages Pages, q Query) (map[uint64]uint64, error) {
	located := make(map[uint64]uint64, len(q.Locate))
	wanted := make(map[uint64]bool, len(q.Locate))
	for _, s := range q.Locate {
		wanted[s] = true
	}
	err := walk(ctx, pages, q.Audit.Covers, func(_ crdt.ID, f crdt.Fingerprint) {
		if s := q.Audit.Symbol(f); wanted[s] {
			located[s] = f.Symbol()
		}
	})
	return located, err
}

// pick returns the entries whose symbols in the audit are wanted, and which of these are
// there.
func (a Audit) pick(e crdt.Entries, wanted func(uint64) bool) (some crdt.Entries, there map[uint64]bool) {
	there = make(map[uint64]bool, e.Len())
	is := func(f crdt.Fingerprint) bool {
		s := a.Symbol(f)
		if wanted(s) {
			there[s] = true
		}
		return there[s]
	}
	for _, t := range e.Tombstones {
		if is(t.Fingerprint()) {
			some.Tombstones = append(some.Tombstones, t)
		}
	}
	for _, h := range e.Heroes {
		if is(h.Fingerprint()) {
			some.Heroes = append(some.Heroes, h)
		}
	}
	return some, there
}

// walk calls f with each entry that is covered, page by page and without decoding them, so
// that a walk through millions of entries holds one page at a time.
func walk(ctx context.Context, pages Pages, covers func(crdt.ID) bool, f func(crdt.ID, crdt.Fingerprint)) error {
	for at, more := crdt.Cursor(0), true; more; {
		page, err := pages(ctx, at)
		if err == nil {
			err = crdt.EachFingerprint(page.Encoded, covers, f)
		}
		if err != nil {
			return fmt.Errorf("walk through the state: %w", err)
		}
		at, more = page.Next, page.More
	}
	return nil
}
