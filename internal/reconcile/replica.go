package reconcile

import (
	"context"
	"fmt"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

// A Hello is what a side says of itself when a session begins.
type Hello struct {
	// Incarnation is the stamp of the city's start.
	Incarnation crdt.Stamp
	// Summary is that of the state.
	Summary crdt.Summary
	// Now is the city's clock. It shows a clock that is far off, and which
	// heroes that side would skip.
	Now crdt.Stamp
}

// size returns how many entries the side holds.
func (h Hello) size() uint64 { return h.Summary.Heroes + h.Summary.Tombstones }

// Query says what of a replica is to be looked at.
type Query struct {
	// Cells is how many cells of its sketch are wanted, at most.
	Cells int
	// Audit is which sketch; zero is the one that the replica keeps up to date.
	Audit Audit
	// Locate, with an audit, are symbols of its sketch. If there are any, the entries
	// that have them are wanted in place of cells.
	Locate []uint64
}

// View is a replica at one instant. Cells of two views must never be mixed in
// one decode.
type View struct {
	Hello Hello
	// Cells are the first of the sketch, as many as were wanted, or all that
	// the replica keeps.
	Cells []sketch.Cell
	// Located has, by the symbols that were to be located, the symbols in the kept sketch
	// of the entries that have them. Those that no entry has are not in it.
	Located map[uint64]uint64
}

// Page is a part of a walk through a state.
type Page struct {
	// Encoded is the canonical encoding of a page's entries, about 64 KiB at
	// most, and Entries how many there are.
	Encoded []byte
	Entries int
	// Next is the cursor of the page after this one, if there are More.
	Next crdt.Cursor
	More bool
}

// Found is what a replica holds under some symbols.
type Found struct {
	// Entries have the symbols that were asked for.
	Entries crdt.Entries
	// Replaced are the present versions of entries that had them a moment ago.
	Replaced crdt.Entries
	// Unknown is how many symbols no entry has or had lately.
	Unknown int
}

// Merged is what a batch did to a replica.
type Merged struct {
	// Changed is how many entries changed the state.
	Changed int
	// Future are the heroes that were left out for their future stamps.
	Future []crdt.Hero
	// LeftOut are the symbols of the entries that were left out since the replica is
	// full.
	LeftOut []uint64
	// Over is how many entries of IDs that the replica had not heard of were left out
	// since it takes no more of them from the other side now.
	Over int
}

// Replica is one incarnation of a city, as a session sees it. Every method
// fails once that incarnation has ended, with ErrBusy where it is asked for
// more than it is ready to do now.
type Replica interface {
	// View looks at the replica at one instant. It costs the cells that are
	// asked for; with an audit, walks through the whole state.
	View(ctx context.Context, q Query) (View, error)
	// Find returns the entries of up to findMax symbols, which are those of the kept
	// sketch.
	Find(ctx context.Context, symbols []uint64) (Found, error)
	// Page returns the next page of a walk through the state, from the zero
	// cursor on, with the promises of crdt.State.Page.
	Page(ctx context.Context, at crdt.Cursor) (Page, error)
	// Merge merges valid entries.
	Merge(ctx context.Context, entries crdt.Entries) (Merged, error)
}

// confirm fails unless the replica is still the incarnation that said hello.
func confirm(ctx context.Context, r Replica, before Hello) error {
	now, err := r.View(ctx, Query{})
	if err != nil {
		return fmt.Errorf("end a sync: %w", err)
	}
	if now.Hello.Incarnation != before.Incarnation {
		return ErrEnded
	}
	return nil
}
