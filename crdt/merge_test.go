package crdt_test

import (
	"maps"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func stateOf(batches ...crdt.Entries) *crdt.State {
	s := crdt.NewState()
	for _, e := range batches {
		s.Merge(e, crdt.NoHorizon)
	}
	return s
}

// all returns a state's content as one batch.
func all(s *crdt.State) crdt.Entries {
	e, _, _ := s.Page(0, 1<<30)
	return e
}

func wantSame(t *rapid.T, law string, a, b *crdt.State) {
	if a.Summary() != b.Summary() || !maps.Equal(contents(a), contents(b)) {
		t.Fatalf("%s: %+v and %+v", law, contents(a), contents(b))
	}
}

func TestMergeIsALattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := crdttest.Entries()
		a, b, c := g.Draw(t, "a"), g.Draw(t, "b"), g.Draw(t, "c")
		wantSame(t, "commutative", stateOf(a, b), stateOf(b, a))
		wantSame(t, "idempotent", stateOf(a, a), stateOf(a))
		wantSame(t, "associative", stateOf(all(stateOf(a, b)), c), stateOf(a, all(stateOf(b, c))))
	})
}

func TestMergeIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := crdttest.Entries()
		s := stateOf(g.Draw(t, "before"))
		before, batch := all(s), g.Draw(t, "batch")
		s.Merge(batch, crdt.NoHorizon)
		for what, e := range map[string]crdt.Entries{"what it held": before, "what came": batch} {
			if m := s.Merge(e, crdt.NoHorizon); len(m.Changes) > 0 {
				t.Fatalf("%s still changes it: %+v", what, m.Changes)
			}
		}
	})
}

func TestAMergedStateHoldsNothingThatDidNotCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := crdttest.Entries().Draw(t, "entries")
		for _, h := range all(stateOf(e)).Heroes {
			if !slices.Contains(e.Heroes, h) {
				t.Fatalf("%+v came from nowhere", h)
			}
		}
		for _, d := range all(stateOf(e)).Tombstones {
			if !slices.Contains(e.Tombstones, d) {
				t.Fatalf("%+v came from nowhere", d)
			}
		}
	})
}

// Any delivery of a history, one entry at a time, in any order, some of it
// more than once and some of it refused as future at first, ends the same.
func TestEveryDeliveryOfAHistoryEndsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := split(crdttest.Entries().Draw(t, "history"))
		want := stateOf(history...)
		again := rapid.SliceOf(rapid.SampledFrom(append(history, crdt.Entries{}))).Draw(t, "again")
		delivery := rapid.Permutation(append(slices.Clone(history), again...)).Draw(t, "delivery")
		s := crdt.NewState()
		var late []crdt.Hero
		for _, e := range delivery {
			horizon := crdt.Stamp(rapid.Uint64Range(0, 4).Draw(t, "horizon"))
			late = append(late, s.Merge(e, horizon).Future...)
		}
		s.Merge(crdt.Entries{Heroes: late}, crdt.NoHorizon)
		wantSame(t, "delivery", s, want)
	})
}

// split returns each entry as a batch of its own.
func split(e crdt.Entries) (batches []crdt.Entries) {
	for _, h := range e.Heroes {
		batches = append(batches, crdt.Entries{Heroes: []crdt.Hero{h}})
	}
	for _, d := range e.Tombstones {
		batches = append(batches, crdt.Entries{Tombstones: []crdt.Tombstone{d}})
	}
	return batches
}

func TestEqualVersionsAreDecidedByTheirBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := crdttest.Hero().Draw(t, "a"), crdttest.Hero().Draw(t, "b")
		b.ID, b.Version = a.ID, a.Version
		want := a
		if string(crdt.AppendHero(nil, b)) > string(crdt.AppendHero(nil, a)) {
			want = b
		}
		for _, heroes := range [][]crdt.Hero{{a, b}, {b, a}} {
			if got, _ := stateOf(crdt.Entries{Heroes: heroes}).Hero(a.ID); got != want {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		}
	})
}

func TestTheLastOrderWinsWhateverTheClocksSay(t *testing.T) {
	patrol, order := batman(), batman()
	patrol.Version.HLC = 1 << 60 // a city whose clock is far ahead
	order.Location, order.Patrolling = "metropolis", false
	order.Version.Assigned++
	order.Version.HLC = order.Version.Assigned
	for _, heroes := range [][]crdt.Hero{{patrol, order}, {order, patrol}} {
		if got, _ := stateOf(crdt.Entries{Heroes: heroes}).Hero(order.ID); got != order {
			t.Errorf("got %+v, want %+v", got, order)
		}
	}
}

func TestADeadHeroStaysDead(t *testing.T) {
	h := batman()
	s := stateOf(crdt.Entries{Tombstones: []crdt.Tombstone{{ID: h.ID}}})
	h.Version = crdt.Version{Assigned: 1 << 63, Replica: 1 << 63, HLC: 1 << 63}
	if c, changed := s.MergeHero(h); changed {
		t.Fatalf("resurrected: %+v", c)
	}
	m := s.Merge(crdt.Entries{Heroes: []crdt.Hero{h}}, 0)
	if len(m.Changes) > 0 || len(m.Future) > 0 {
		t.Fatalf("got %+v: a hero that would change nothing is not future", m)
	}
}

func TestFutureHeroesAloneAreSkipped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held, batch := crdttest.Entries().Draw(t, "held"), crdttest.Entries().Draw(t, "batch")
		horizon := crdt.Stamp(rapid.Uint64Range(0, 4).Draw(t, "horizon"))
		due := crdt.Entries{Tombstones: batch.Tombstones}
		for _, h := range batch.Heroes {
			if h.Version.HLC <= horizon {
				due.Heroes = append(due.Heroes, h)
			}
		}
		s, want := stateOf(held), stateOf(held, due)
		m := s.Merge(batch, horizon)
		wantSame(t, "as if the future had not come", s, want)
		for _, h := range m.Future {
			if h.Version.HLC <= horizon || !slices.Contains(batch.Heroes, h) {
				t.Fatalf("%+v is not future", h)
			}
		}
		s.Merge(crdt.Entries{Heroes: m.Future}, crdt.NoHorizon)
		wantSame(t, "when it is due", s, stateOf(held, batch))
	})
}

// A hero that waits to be due outlives its batch by up to an hour, and must not
// keep all of its text in memory.
func TestAFutureHeroSharesNoMemoryWithItsBatch(t *testing.T) {
	e, err := crdt.DecodeEntries(crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{batman(), batman()}}))
	if err != nil {
		t.Fatal(err)
	}
	future := crdt.NewState().Merge(e, 0).Future
	if len(future) != 2 || future[1] != batman() {
		t.Fatalf("future are %+v", future)
	}
	if unsafe.StringData(future[1].Name) == unsafe.StringData(e.Heroes[1].Name) ||
		unsafe.StringData(future[1].Location) == unsafe.StringData(e.Heroes[1].Location) {
		t.Error("a text is still a part of the batch")
	}
}

func TestTheHorizonItselfIsNotFuture(t *testing.T) {
	h := batman()
	for _, tc := range []struct {
		horizon         crdt.Stamp
		changes, future int
	}{{h.Version.HLC - 1, 0, 1}, {h.Version.HLC, 1, 0}, {crdt.NoHorizon, 1, 0}} {
		m := crdt.NewState().Merge(crdt.Entries{Heroes: []crdt.Hero{h}}, tc.horizon)
		if len(m.Changes) != tc.changes || len(m.Future) != tc.future {
			t.Errorf("horizon %d: %+v", tc.horizon, m)
		}
	}
}

func TestTombstonesAreNeverFuture(t *testing.T) {
	d := crdt.Tombstone{Version: crdt.Version{HLC: crdt.NoHorizon}}
	if m := crdt.NewState().Merge(crdt.Entries{Tombstones: []crdt.Tombstone{d}}, 0); len(m.Changes) != 1 {
		t.Fatalf("got %+v", m)
	}
}

func TestTombstonesOfABatchGoFirst(t *testing.T) {
	h := batman()
	e := crdt.Entries{Heroes: []crdt.Hero{h}, Tombstones: []crdt.Tombstone{{ID: h.ID}}}
	m := crdt.NewState().Merge(e, crdt.NoHorizon)
	if len(m.Changes) != 1 || m.Changes[0].New.Kind != crdt.KindTombstone {
		t.Fatalf("the hero lived for a moment: %+v", m.Changes)
	}
}

func TestChangesTellTheWholeWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stateOf(crdttest.Entries().Draw(t, "held"))
		replayed := contents(s)
		for _, c := range s.Merge(crdttest.Entries().Draw(t, "batch"), crdt.NoHorizon).Changes {
			if replayed[c.ID] != c.Old {
				t.Fatalf("old %+v, held %+v", c.Old, replayed[c.ID])
			}
			replayed[c.ID] = c.New
		}
		if !maps.Equal(replayed, contents(s)) {
			t.Fatalf("replayed %+v, held %+v", replayed, contents(s))
		}
	})
}

// A batch reaches a state only through the decoder, whose answer to one bad
// entry among many good ones is an error and nothing to merge.
func TestOneMalformedEntrySpoilsItsBatch(t *testing.T) {
	faults := map[string]func(*crdt.Hero){
		"name":       func(h *crdt.Hero) { h.Name = "\u200b" },
		"location":   func(h *crdt.Hero) { h.Location = "-" },
		"health":     func(h *crdt.Hero) { h.Health = 0 },
		"patrolling": func(h *crdt.Hero) { h.Location, h.Patrolling = crdt.Home, true },
		"assigned":   func(h *crdt.Hero) { h.Version.Assigned, h.Version.HLC = 2, 1 },
	}
	rapid.Check(t, func(t *rapid.T) {
		s := stateOf(crdttest.Entries().Draw(t, "held"))
		before := s.Summary()
		batch := crdttest.Entries().Draw(t, "batch")
		bad := crdttest.Hero().Draw(t, "bad")
		fault := rapid.SampledFrom(slices.Sorted(maps.Keys(faults))).Draw(t, "fault")
		faults[fault](&bad)
		at := rapid.IntRange(0, len(batch.Heroes)).Draw(t, "at")
		batch.Heroes = slices.Insert(slices.Clone(batch.Heroes), at, bad)
		e, err := crdt.DecodeEntries(crdt.AppendEntries(nil, batch))
		if err == nil {
			t.Fatalf("accepted %+v", e)
		}
		if s.Merge(e, crdt.NoHorizon); s.Summary() != before {
			t.Fatalf("changed by what came with %v", err)
		}
	})
}
