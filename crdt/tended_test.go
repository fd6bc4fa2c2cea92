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

// tendedReplica is under whose orders the heroes are that a tendedPair tends.
const tendedReplica crdt.ReplicaID = 1

// A tendedPair is a state that lists the heroes which a city tends, and the model of it.
type tendedPair struct {
	location string
	state    *crdt.State
	model    model
}

func newTendedPair(t *rapid.T) *tendedPair {
	location := rapid.SampledFrom(crdttest.Locations()).Draw(t, "location")
	return &tendedPair{location: location, state: crdt.NewTendedState(location, tendedReplica), model: model{}}
}

func (p *tendedPair) mergeHero(h crdt.Hero) {
	p.state.MergeHero(h)
	p.model.mergeHero(h)
}

func (p *tendedPair) mergeTombstone(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "spare") > 0 {
		t.Skip("else all would soon be dead")
	}
	d := crdttest.Tombstone().Draw(t, "tombstone")
	p.state.MergeTombstone(d)
	p.model.mergeTombstone(d)
}

// tended returns whom the state has to list, once all of them are due.
func (p *tendedPair) tended() map[crdt.ID]crdt.Hero { return p.model.tended(p.location, tendedReplica) }

func TestTheTendedAreThoseAtTheLocationUnderTheOrdersOfTheReplica(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newTendedPair(t)
		t.Repeat(map[string]func(*rapid.T){
			"merge hero": func(t *rapid.T) {
				h := crdttest.Hero().Draw(t, "hero")
				if rapid.Bool().Draw(t, "there") {
					h.Location = p.location
				}
				p.mergeHero(h)
			},
			"merge tombstone": p.mergeTombstone,
			"":                func(t *rapid.T) { wantTended(t, p.state, p.tended()) },
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
