package reconcile

import (
	"context"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Hello is what a side says of itself when a session begins.
type Hello struct {
	// Incarnation is the stamp of the city's start.
	Incarnation crdt.Stamp
	// Summary is that of the state.
	Summary crdt.Summary
	// Now is the city's clock. The session does not use it; it shows a clock
	// that is far off.
	Now crdt.Stamp
}

// Merged is what a batch did to a replica.
type Merged struct {
	// Changed is how many entries changed the state.
	Changed int
	// Skipped is how many heroes were left out for their future stamps.
	Skipped int
}

// Replica is one incarnation of a city, as a session sees it. Every method
// fails once that incarnation has ended.
type Replica interface {
	// Hello is the present state of the replica in brief.
	Hello(ctx context.Context) (Hello, error)
	// Page is the next page of a walk through the state, from the zero cursor
	// on, with the promises of crdt.State.Page. Its encoding takes about 64 KiB
	// at most.
	Page(ctx context.Context, at crdt.Cursor) (entries crdt.Entries, next crdt.Cursor, more bool, err error)
	// Merge merges valid entries.
	Merge(ctx context.Context, entries crdt.Entries) (Merged, error)
}

// confirm fails unless the replica is still the incarnation that said hello.
func confirm(ctx context.Context, r Replica, before Hello) error {
	now, err := r.Hello(ctx)
	if err != nil {
		return fmt.Errorf("end a sync: %w", err)
	}
	if now.Incarnation != before.Incarnation {
		return ErrEnded
	}
	return nil
}
