package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

// Pages reads a state page by page, as Replica.Page does.
type Pages func(ctx context.Context, at crdt.Cursor) (Page, error)

// A marked entry is one that a walk met: its ID and its symbol in the audit.
type marked struct {
	id     crdt.ID
	symbol uint64
	nth    uint32 // in the order of the walk
}

// AuditCells builds the first cells of an audit's sketch, as many as are asked for, by
// a walk through the state. It costs time and memory (32 bytes an entry that the audit covers) with
// the state's size; what changes during the walk is in it in one version.
func AuditCells(ctx context.Context, pages Pages, q Query) ([]sketch.Cell, error) {
	var met []marked
	err := walk(ctx, pages, q.Audit, func(id crdt.ID, symbol uint64) {
		met = append(met, marked{id, symbol, uint32(len(met))})
	})
	if err != nil {
		return nil, err
	}
	// A walk may meet an ID twice; only the later version counts.
	slices.SortFunc(met, func(a, b marked) int { return cmp.Or(a.id.Compare(b.id), cmp.Compare(a.nth, b.nth)) })
	s := sketch.New(q.Cells)
	for i, m := range met {
		if i+1 == len(met) || met[i+1].id != m.id {
			s.Add(m.symbol)
		}
	}
	return s.AppendCells(nil, min(q.Cells, s.Cells())), nil
}

// AuditFind finds entries by the symbols of an audit, by a walk through the
// state.
func AuditFind(ctx context.Context, pages Pages, symbols []uint64, a Audit) (Found, error) {
	ids := make(map[uint64]crdt.ID, len(symbols))
	wanted := make(map[uint64]bool, len(symbols))
	for _, s := range symbols {
		wanted[s] = true
	}
	var found Found
	err := walkEntries(ctx, pages, func(e crdt.Entries) {
		e = a.pick(e, func(id crdt.ID, symbol uint64) bool {
			known, again := ids[symbol]
			if !wanted[symbol] || again && known == id {
				return false
			}
			ids[symbol] = id
			return true
		})
		found.Entries.Append(e)
	})
	found.Unknown = len(symbols) - len(ids)
	return found, err
}

// pick returns the entries that the audit covers and for which f returns true.
func (a Audit) pick(e crdt.Entries, f func(crdt.ID, uint64) bool) (some crdt.Entries) {
	for _, t := range e.Tombstones {
		if a.Covers(t.ID) && f(t.ID, a.Symbol(t.Fingerprint())) {
			some.Tombstones = append(some.Tombstones, t)
		}
	}
	for _, h := range e.Heroes {
		if a.Covers(h.ID) && f(h.ID, a.Symbol(h.Fingerprint())) {
			some.Heroes = append(some.Heroes, h)
		}
	}
	return some
}

// walk calls f with the ID and the symbol of each entry that the audit covers.
func walk(ctx context.Context, pages Pages, a Audit, f func(crdt.ID, uint64)) error {
	return walkEntries(ctx, pages, func(e crdt.Entries) {
		a.pick(e, func(id crdt.ID, symbol uint64) bool {
			f(id, symbol)
			return false
		})
	})
}

// walkEntries calls f with the entries of each page of a state. A page is decoded
// anew, so that a walk through millions of entries holds one page at a time.
func walkEntries(ctx context.Context, pages Pages, f func(crdt.Entries)) error {
	for at, more := crdt.Cursor(0), true; more; {
		page, err := pages(ctx, at)
		if err != nil {
			return fmt.Errorf("walk through the state: %w", err)
		}
		entries, err := crdt.DecodeEntries(page.Encoded)
		if err != nil {
			return fmt.Errorf("walk through the state: %w", err)
		}
		f(entries)
		at, more = page.Next, page.More
	}
	return nil
}
