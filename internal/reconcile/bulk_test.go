package reconcile

import (
	"errors"
	"testing"

	"github.com/citynode/citynode/crdt"
)

// pulls returns a session with a bookmark that has come to where it asks for the
// other side's whole state, and what it asked.
func pulls(t *testing.T, many foe, mark Bookmark) (*Initiator, Message) {
	t.Helper()
	i := initiatorAt(t, Options{BulkOver: 1, Bookmark: mark})
	out, err := i.Step(t.Context(), many.differ())
	if err != nil || out.kind != KindPull {
		t.Fatalf("Step = %v, %v, want a pull", out, err)
	}
	return i, out
}

// A cursor means nothing to another incarnation, even if its state has grown as
// large: what lies before the cursor would never come.
func TestATransferGoesOnAtItsBookmarkInTheSameIncarnationAlone(t *testing.T) {
	many := newFoe(crowdOf(50, 40))
	for incarnation, want := range map[crdt.Stamp]crdt.Cursor{
		peerIncarnation: 5, peerIncarnation - 1: 0, peerIncarnation + 1: 0, 0: 0,
	} {
		_, out := pulls(t, many, Bookmark{Incarnation: incarnation, Cursor: 5})
		if out.cursor != want {
			t.Errorf("of a bookmark of incarnation %d it pulls from %d, want %d", incarnation, out.cursor, want)
		}
	}
}

func TestABookmarkIsBehindTheLastPageThatWasMerged(t *testing.T) {
	many := newFoe(crowdOf(50, 40))
	i, _ := pulls(t, many, Bookmark{})
	if err := stepInitiator(t, i, many.page(crowdOf(50, 10), 7)); err != nil {
		t.Fatal(err)
	}
	want := Bookmark{Incarnation: peerIncarnation, Cursor: 7}
	if got := i.Bookmark(); got != want {
		t.Errorf("after a page: %+v, want %+v", got, want)
	}
	i.replica.(*fakeReplica).ended = true
	if err := stepInitiator(t, i, many.page(crowdOf(60, 10), 8)); !errors.Is(err, errFakeEnded) {
		t.Fatal(err)
	}
	if got := i.Bookmark(); got != want {
		t.Errorf("after a page that could not be merged: %+v, want %+v", got, want)
	}
}

func TestATransferThatCameToItsEndLeavesNoBookmark(t *testing.T) {
	many := newFoe(crowdOf(50, 40))
	i, _ := pulls(t, many, Bookmark{Incarnation: peerIncarnation, Cursor: 5})
	if err := stepInitiator(t, i, many.page(crowdOf(50, 40), 0)); err != nil {
		t.Fatal(err)
	}
	if got := i.Bookmark(); got != (Bookmark{}) {
		t.Errorf("bookmark %+v", got)
	}
}
