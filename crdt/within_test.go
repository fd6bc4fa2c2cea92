package crdt_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// A batch that has more unknown IDs than may enter brings all that concerns known ones.
func TestAStateTakesWhatItKnowsHoweverLittleItMayGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := crdt.NewState()
		state.Merge(crdttest.Entries().Draw(t, "known"), crdt.NoHorizon)
		batch := crdttest.Entries().Draw(t, "batch")
		newMax := rapid.IntRange(-1, 3).Draw(t, "newMax")

		unknown := map[crdt.ID]bool{}
		for _, id := range idsOf(batch) {
			if state.Record(id).Kind == crdt.KindNone {
				unknown[id] = true
			}
		}
		before := state.Summary()
		merged := state.MergeWithin(batch, crdt.NoHorizon, newMax)
		after := state.Summary()

		grown := int(after.Heroes+after.Tombstones) - int(before.Heroes+before.Tombstones)
		if want := min(len(unknown), max(newMax, 0)); grown != want || merged.New != want {
			t.Fatalf("grown by %d, counts %d, want %d", grown, merged.New, want)
		}
		for _, id := range idsOf(merged.LeftOut) {
			if !unknown[id] {
				t.Fatalf("%s was known, and is left out", id)
			}
		}
		left := map[crdt.ID]bool{}
		for id := range unknown {
			left[id] = state.Record(id).Kind == crdt.KindNone
		}
		for _, hero := range batch.Heroes {
			r, held := crdt.HeroRecord(hero), state.Record(hero.ID)
			if !left[hero.ID] && r.Beats(&held) {
				t.Fatalf("%+v is not merged", hero)
			}
		}
		for _, tombstone := range batch.Tombstones {
			r, held := crdt.TombstoneRecord(tombstone), state.Record(tombstone.ID)
			if !unknown[tombstone.ID] && r.Beats(&held) {
				t.Fatalf("%+v is not merged", tombstone)
			}
		}
	})
}

// idsOf returns the IDs of all entries, in their order.
func idsOf(e crdt.Entries) (ids []crdt.ID) {
	for _, t := range e.Tombstones {
		ids = append(ids, t.ID)
	}
	for _, h := range e.Heroes {
		ids = append(ids, h.ID)
	}
	return ids
}
