package crdt_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestThoseStampedLaterAreTendedOnceTheyAreDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, until := newTendedPair(t), crdt.NoHorizon
		t.Repeat(map[string]func(*rapid.T){
			"merge hero": func(t *rapid.T) {
				h := crdttest.Hero().Draw(t, "hero")
				if rapid.IntRange(0, 3).Draw(t, "there") > 0 {
					h.Location = p.location
					h.Version.Replica = tendedReplica
				}
				p.mergeHero(h)
			},
			"merge tombstone": p.mergeTombstone,
			"time": func(t *rapid.T) {
				until = crdt.Stamp(rapid.Uint64().Draw(t, "until"))
				if rapid.Bool().Draw(t, "of a hero") {
					until = crdttest.Hero().Draw(t, "whose").Version.HLC
				}
				p.state.TendUntil(until)
			},
			"": func(t *rapid.T) {
				all := p.tended()
				due := maps.Clone(all)
				maps.DeleteFunc(due, func(_ crdt.ID, h crdt.Hero) bool { return h.Version.HLC > until })
				wantTended(t, p.state, due)
				if got := p.state.Later(); got != len(all)-len(due) {
					t.Fatalf("%d are stamped later, want %d", got, len(all)-len(due))
				}
			},
		})
	})
}

// Those who return cost what they are, and nobody else is looked at.
func BenchmarkTendUntil(b *testing.B) {
	s := crdt.NewTendedState("gotham", 1)
	for i := range 100_000 {
		h := heroOf(i, uint32(i))
		h.Location, h.Version = "gotham", crdt.Version{Replica: 1, HLC: crdt.Stamp(i + 1)}
		s.MergeHero(h)
	}
	s.TendUntil(0)
	for at := crdt.Stamp(0); b.Loop(); at++ {
		s.TendUntil(at)
	}
}
