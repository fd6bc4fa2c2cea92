package crdt_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// tended returns the heroes at a location under the orders of a replica.
func (m model) tended(location string, replica crdt.ReplicaID) map[crdt.ID]crdt.Hero {
	there := m.at(location)
	maps.DeleteFunc(there, func(_ crdt.ID, h crdt.Hero) bool { return h.Version.Replica != replica })
	return there
}

func TestTheTendedAreThoseAtTheLocationUnderTheOrdersOfTheReplica(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		location := rapid.SampledFrom(crdttest.Locations()).Draw(t, "location")
		const replica crdt.ReplicaID = 1
		s, m := crdt.NewTendedState(location, replica), model{}
		t.Repeat(map[string]func(*rapid.T){
			"merge hero": func(t *rapid.T) {
				h := crdttest.Hero().Draw(t, "hero")
				if rapid.Bool().Draw(t, "there") {
					h.Location = location
				}
				s.MergeHero(h)
				m.mergeHero(h)
			},
			"merge tombstone": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "spare") > 0 {
					t.Skip("else all would soon be dead")
				}
				d := crdttest.Tombstone().Draw(t, "tombstone")
				s.MergeTombstone(d)
				m.mergeTombstone(d)
			},
			"": func(t *rapid.T) { wantTended(t, s, m.tended(location, replica)) },
		})
	})
}

// wantTended checks the list, and that those who patrol come first in it.
func wantTended(t *rapid.T, s *crdt.State, want map[crdt.ID]crdt.Hero) {
	if err := crdt.CheckState(s); err != nil {
		t.Fatal(err)
	}
	all, patrolling := s.Tended()
	got := map[crdt.ID]crdt.Hero{}
	for i := range all {
		h, ok := s.TendedHero(i)
		if !ok || h.Patrolling != (i < patrolling) {
			t.Fatalf("at place %d of %d, of whom %d patrol: %+v, %t", i, all, patrolling, h, ok)
		}
		got[h.ID] = h
	}
	if all != len(want) || !maps.Equal(got, want) {
		t.Fatalf("tended are %+v, want %+v", got, want)
	}
	for _, i := range []int{-1, all} {
		if h, ok := s.TendedHero(i); ok || h != (crdt.Hero{}) {
			t.Fatalf("%+v at place %d of %d", h, i, all)
		}
	}
}

func TestAStateThatIsToldNoLocationTendsNobody(t *testing.T) {
	s := crdt.NewState()
	for i := range 100 {
		s.MergeHero(heroOf(i, uint32(i)))
	}
	if all, patrolling := s.Tended(); all+patrolling != 0 {
		t.Errorf("it tends %d, of whom %d patrol", all, patrolling)
	}
}
