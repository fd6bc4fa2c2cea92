package city

import (
	"context"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

// PageBytesMax bounds one page of a read. A page of that size takes the loop
// well under a millisecond.
const PageBytesMax = 64 << 10

// recordsPerTurn is how many records one turn of the loop looks up.
const recordsPerTurn = 256

// Page is a part of the state, at most PageBytesMax of encoding.
type Page struct {
	Entries crdt.Entries
	// Next is the cursor of the page after this one, if there are More.
	Next crdt.Cursor
	More bool
}

// Summary returns the state's counts and digest.
func (i *Incarnation) Summary(ctx context.Context) (crdt.Summary, error) {
	return query(ctx, i, func(c *Core) crdt.Summary { return c.State().Summary() })
}

// Page returns the page of the state at the cursor. Whatever is in the state from
// the first page to the last is in one of them.
func (i *Incarnation) Page(ctx context.Context, at crdt.Cursor) (Page, error) {
	return query(ctx, i, func(c *Core) Page {
		entries, next, more := c.State().Page(at, PageBytesMax)
		return Page{Entries: entries, Next: next, More: more}
	})
}

// PageAt returns a page as Page does, of the heroes at one location.
func (i *Incarnation) PageAt(ctx context.Context, location string, at crdt.Cursor) (Page, error) {
	return query(ctx, i, func(c *Core) Page {
		heroes, next, more := c.State().PageAt(location, at, PageBytesMax)
		return Page{Entries: crdt.Entries{Heroes: heroes}, Next: next, More: more}
	})
}

// EncodedPage is Page, with the entries in their canonical encoding.
type EncodedPage struct {
	Encoded []byte
	Entries int
	Next    crdt.Cursor
	More    bool
}

// EncodedPage returns the same page as Page, already encoded, for callers that forward
// it unread.
func (i *Incarnation) EncodedPage(ctx context.Context, at crdt.Cursor) (EncodedPage, error) {
	return i.EncodedPageIn(ctx, make([]byte, 0, PageBytesMax), at)
}

// EncodedPageIn is EncodedPage in a buffer of the caller's, which it grows where that is
// too small, for callers that read one page after another. After an error the buffer is
// not the caller's any more: the city may still write to it.
func (i *Incarnation) EncodedPageIn(ctx context.Context, buf []byte, at crdt.Cursor) (EncodedPage, error) {
	return query(ctx, i, func(c *Core) (p EncodedPage) {
		p.Encoded, p.Entries, p.Next, p.More = c.State().AppendPage(buf[:0], at, PageBytesMax)
		return p
	})
}

// Sketch is a state's summary and the first cells of its sketch, both of one
// instant.
type Sketch struct {
	Summary crdt.Summary
	Cells   []sketch.Cell
}

// Sketch returns the summary of the state and the first cells of its sketch, up to as
// many as are asked for. One that is had from before is given again if the state
// has not changed and its cells are enough; nobody may write to them. With 0
// cells it is the summary alone.
func (i *Incarnation) Sketch(ctx context.Context, cells int, had Sketch) (Sketch, error) {
	type view struct {
		summary crdt.Summary
		cells   int
	}
	now, err := query(ctx, i, func(c *Core) view { return view{c.State().Summary(), c.State().Cells()} })
	switch {
	case err != nil:
		return Sketch{}, err
	case cells == 0:
		return Sketch{Summary: now.summary}, nil
	case had.Summary == now.summary && len(had.Cells) >= min(cells, now.cells):
		return Sketch{Summary: now.summary, Cells: had.Cells[:min(cells, len(had.Cells))]}, nil
	}
	room := make([]sketch.Cell, 0, min(cells, now.cells)) // not in the loop's time
	return query(ctx, i, func(c *Core) Sketch {
		return Sketch{Summary: c.State().Summary(), Cells: c.State().AppendCells(room, cap(room))}
	})
}

// Found is what a city holds under some symbols.
type Found struct {
	// Entries have the symbols that were asked for; Replaced are the present
	// versions of entries that had them lately.
	Entries, Replaced crdt.Entries
	// Unknown is how many symbols are neither's.
	Unknown int
}

// Find looks entries up by the symbols that they have in the state's sketch.
func (i *Incarnation) Find(ctx context.Context, symbols []uint64) (found Found, err error) {
	for len(symbols) > 0 {
		n := min(len(symbols), recordsPerTurn)
		part := found
		if found, err = query(ctx, i, func(c *Core) Found { return part.and(Find(c.State(), symbols[:n])) }); err != nil {
			return Found{}, err
		}
		symbols = symbols[n:]
	}
	return found, nil
}

func (f Found) and(more Found) Found {
	f.Entries.Append(more.Entries)
	f.Replaced.Append(more.Replaced)
	f.Unknown += more.Unknown
	return f
}

// Find looks entries up in a state.
func Find(state *crdt.State, symbols []uint64) (found Found) {
	var some crdt.Entries
	for _, symbol := range symbols {
		var how crdt.SymbolStatus
		some, how = state.AppendBySymbol(crdt.Entries{Heroes: some.Heroes[:0], Tombstones: some.Tombstones[:0]}, symbol)
		switch how {
		case crdt.SymbolCurrent:
			found.Entries.Append(some)
		case crdt.SymbolReplaced:
			found.Replaced.Append(some)
		default:
			found.Unknown++
		}
	}
	return found
}

// Records returns the entries of those ids, in their order; unknown ids are left
// out. The summary is that of the state which the last of them were found in.
func (i *Incarnation) Records(ctx context.Context, ids []crdt.ID) (crdt.Entries, crdt.Summary, error) {
	type view struct {
		found   crdt.Entries
		summary crdt.Summary
	}
	var found crdt.Entries
	for {
		some, rest := ids[:min(len(ids), recordsPerTurn)], ids[min(len(ids), recordsPerTurn):]
		v, err := query(ctx, i, func(c *Core) view { return view{recordsOf(c.State(), some), c.State().Summary()} })
		if err != nil {
			return crdt.Entries{}, crdt.Summary{}, err
		}
		if found.Append(v.found); len(rest) == 0 {
			return found, v.summary, nil
		}
		ids = rest
	}
}

func recordsOf(state *crdt.State, ids []crdt.ID) crdt.Entries {
	var found crdt.Entries
	for _, id := range ids {
		found.Add(state.Record(id))
	}
	return found
}

// query runs f in the loop and gives its result. The result is read only once
// the loop has replied, so a caller that gives up races with nobody.
func query[T any](ctx context.Context, i *Incarnation, f func(*Core) T) (T, error) {
	var result, none T
	if err := i.Read(ctx, func(c *Core) { result = f(c) }); err != nil {
		return none, err
	}
	return result, nil
}

// Full reports whether the city has left out entries for want of room, or is about to; see
// [Core.Full].
func (i *Incarnation) Full(ctx context.Context) (bool, error) { return query(ctx, i, (*Core).Full) }

// Standing tells whether the city is open, and why it does not trust its own
// clock, or "".
func (i *Incarnation) Standing(ctx context.Context) (open bool, clockDoubt string, err error) {
	type standing struct {
		open  bool
		doubt string
	}
	s, err := query(ctx, i, func(c *Core) standing { return standing{c.IsOpen(), c.Suspicion()} })
	return s.open, s.doubt, err
}
