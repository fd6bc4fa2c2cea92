package crdt

import "github.com/citynode/citynode/crdt/internal/table"

// tended are the heroes that one city acts on by itself: those at its location whose
// order is that of its peer. They lie in one dense list, those that patrol first, so that
// a tick draws one of all or one of the patrolling in O(1), however many heroes are at
// the location under the orders of others.
type tended struct {
	replica    ReplicaID
	list       table.List // positions in State.heroes
	patrolling uint32     // so many of the list, from its beginning, patrol
}

// NewTendedState returns an empty state that keeps a list of the heroes at a location
// whose version is of a replica, for [State.TendedHero]. A state that [NewState] returns
// has nobody in that list. See also [State.TendUntil].
func NewTendedState(location string, replica ReplicaID) *State {
	s := NewState()
	s.locations.tended, s.tended.replica, s.later.until = location, replica, NoHorizon
	return s
}

// Tended returns the number of heroes in the list of [NewTendedState], and how many of
// them patrol.
func (s *State) Tended() (all, patrolling int) {
	return int(s.tended.list.Len()), int(s.tended.patrolling)
}

// TendedHero returns the hero at position i of the list of [NewTendedState], in O(1). The
// positions are from 0 to all-1 of [State.Tended]; at those from 0 to patrolling-1 are
// the heroes that patrol. The order is arbitrary otherwise and changes with writes.
func (s *State) TendedHero(i int) (Hero, bool) { return s.pick(&s.tended.list, i) }

// tend enters the hero at this position in the list, if it belongs there.
func (s *State) tend(at uint32) {
	slot := s.heroes.At(at)
	if slot.version.Replica != s.tended.replica || !s.locations.At(slot.location).tended {
		return
	}
	if slot.version.HLC > s.later.until {
		s.postpone(at)
		return
	}
	slot.tended = s.tended.list.Push(at) + 1
	if slot.patrolling {
		s.swapTended(slot.tended-1, s.tended.patrolling)
		s.tended.patrolling++
	}
}

// untend takes the hero at this position out of the list, or out of the heap of those that
// are stamped later, if it is there. Its slot must
// be as it was when the hero was entered.
func (s *State) untend(at uint32) {
	slot := s.heroes.At(at)
	switch {
	case slot.tended == 0:
		return
	case slot.isLater():
		s.readmit(at)
		return
	}
	if slot.patrolling {
		s.tended.patrolling--
		s.swapTended(slot.tended-1, s.tended.patrolling)
	}
	moved := s.tended.list.Remove(slot.tended - 1)
	s.heroes.At(moved).tended = slot.tended
	slot.tended = 0
}

// swapTended has the heroes at two positions of the list change places.
func (s *State) swapTended(i, j uint32) {
	l := &s.tended.list
	a, b := l.At(i), l.At(j)
	l.Set(i, b)
	l.Set(j, a)
	s.heroes.At(a).tended, s.heroes.At(b).tended = j+1, i+1
}
