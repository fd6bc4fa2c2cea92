package reconcile

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

// A boundedReplica has room for so many entries, and takes so many new ones for now.
type boundedReplica struct {
	*fakeReplica
	max    int
	budget int
}

func (r *boundedReplica) Merge(ctx context.Context, e crdt.Entries) (Merged, error) {
	if err := r.enter(ctx, "merge"); err != nil {
		return Merged{}, err
	}
	room := max(r.max-r.size(), 0)
	m := r.state.MergeWithin(e, r.horizon, min(room, r.budget))
	r.budget -= m.New
	merged := Merged{Changed: len(m.Changes), Future: m.Future}
	switch {
	case room > r.budget+m.New:
		merged.Over = m.LeftOut.Len()
	default:
		for _, h := range m.LeftOut.Heroes {
			merged.LeftOut = append(merged.LeftOut, h.Fingerprint().Symbol())
		}
		for _, t := range m.LeftOut.Tombstones {
			merged.LeftOut = append(merged.LeftOut, t.Fingerprint().Symbol())
		}
	}
	return merged, nil
}

func (r *boundedReplica) size() int {
	s := r.state.Summary()
	return int(s.Heroes + s.Tombstones)
}

const unbounded = 1 << 30

// common returns what a merge of b into a changes of what a knows.
func common(a, b *crdt.State) int {
	copied := crdt.NewState()
	copied.Merge(all(a), crdt.NoHorizon)
	return len(copied.MergeWithin(all(b), crdt.NoHorizon, 0).Changes)
}

func TestAFullSideAndAnotherConvergeOnWhatTheyHaveInCommon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full := &boundedReplica{drawReplica(t, "full"), 0, unbounded}
		full.max = full.size() + rapid.IntRange(0, 2).Draw(t, "room")
		other := &boundedReplica{drawReplica(t, "other"), unbounded, unbounded}
		a, b := full, other
		if rapid.Bool().Draw(t, "other begins") {
			a, b = other, full
		}
		var s transcript
		if err := s.play(t.Context(), a, b, drawOptions(t)); err != nil {
			t.Fatal(err)
		}
		if !s.left.Complete || !s.right.Complete {
			t.Errorf("results %+v, %+v, want complete", s.left, s.right)
		}
		if full.size() > full.max {
			t.Errorf("the full side holds %d of %d", full.size(), full.max)
		}
		if n := common(full.state, other.state); n != 0 {
			t.Errorf("the full side lacks %d changes of what it knows", n)
		}
		if n := len(other.state.Merge(all(full.state), crdt.NoHorizon).Changes); n != 0 {
			t.Errorf("the other lacks %d of what the full side holds", n)
		}
	})
}

func TestWhatAFullSideHasLeftOutIsNotAskedForAgain(t *testing.T) {
	full := &boundedReplica{replicaOf(1<<16, heroes(0, 500)), 510, unbounded}
	other := replicaOf(1<<16, heroes(0, 540))
	var s transcript
	if err := s.play(t.Context(), full, other, Options{}); err != nil {
		t.Fatal(err)
	}
	if len(s.left.LeftOut) != 30 || s.left.Skipped != 30 || s.left.Differed != 10 {
		t.Fatalf("%d left out, %d skipped, %d differed", len(s.left.LeftOut), s.left.Skipped, s.left.Differed)
	}
	var again transcript
	left := func(symbol uint64) bool { return slices.Contains(s.left.LeftOut, symbol) }
	if err := again.play(t.Context(), full, other, Options{LeftOut: left}); err != nil {
		t.Fatal(err)
	}
	if again.left.EntriesIn != 0 || again.left.Skipped != 30 || !again.left.Complete {
		t.Errorf("again %d entries come, %d are skipped, complete %t", again.left.EntriesIn, again.left.Skipped, again.left.Complete)
	}
}

// Two sides with much that the other has no room for would exchange it for ever.
func TestWholeStatesThatAreOfNoUseAreNotExchangedAgain(t *testing.T) {
	full := &boundedReplica{replicaOf(1<<16, heroes(0, 500)), 500, unbounded}
	other := replicaOf(1<<16, heroes(1000, 2000))
	for _, side := range []struct {
		name string
		a, b Replica
	}{{"by the full side", full, other}, {"by the other", other, full}} {
		var first, second transcript
		if err := first.play(t.Context(), side.a, side.b, Options{}); err != nil {
			t.Fatal(err)
		}
		if err := second.play(t.Context(), side.a, side.b, Options{}); err != nil {
			t.Fatal(err)
		}
		if !second.left.Fruitless() {
			t.Fatalf("%s: the second time something is taken: %+v", side.name, second.left)
		}
		var third transcript
		err := third.play(t.Context(), side.a, side.b, Options{NotWhole: second.left.Peer.Incarnation})
		if !errors.Is(err, ErrWhole) || third.left.EntriesIn+third.left.EntriesOut != 0 {
			t.Errorf("%s: %v, %d entries in, %d out", side.name, err, third.left.EntriesIn, third.left.EntriesOut)
		}
		if err := third.play(t.Context(), side.a, side.b, Options{NotWhole: 99}); err != nil {
			t.Errorf("%s: with another incarnation: %v", side.name, err)
		}
	}
}

func TestASideThatTakesNoMoreNewEntriesNowTakesThemLater(t *testing.T) {
	for _, side := range []string{"initiator", "responder"} {
		sated := &boundedReplica{replicaOf(1<<12, heroes(0, 10)), unbounded, 0}
		other := replicaOf(1<<12, heroes(5, 1000))
		var a, b Replica = sated, other
		if side == "responder" {
			a, b = other, sated
		}
		sessions := 0
		for done := false; !done; sessions++ {
			sated.budget = 100
			var s transcript
			err := s.play(t.Context(), a, b, Options{})
			if done = err == nil; !done && !errors.Is(err, ErrSated) {
				t.Fatalf("the %s takes no more: %v, want ErrSated", side, err)
			}
			if s.left.Complete != done || s.right.Complete != done {
				t.Fatalf("complete: %+v, %+v", s.left, s.right)
			}
			if sessions > 20 {
				t.Fatal("it never takes all")
			}
		}
		if sated.state.Summary() != other.state.Summary() || sessions < 10 {
			t.Errorf("%s: equal %t after %d sessions", side, sated.state.Summary() == other.state.Summary(), sessions)
		}
	}
}
