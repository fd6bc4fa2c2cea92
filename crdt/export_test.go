package crdt

import "fmt"

// CheckState returns an error if the indexes of s disagree with its records.
func CheckState(s *State) error {
	if len(s.index) != len(s.heroes)+len(s.tombstones) {
		return fmt.Errorf("%d indexed, %d heroes, %d tombstones", len(s.index), len(s.heroes), len(s.tombstones))
	}
	for i, t := range s.tombstones {
		if s.index[t.ID] != (place{KindTombstone, uint32(i)}) {
			return fmt.Errorf("tombstone %d is indexed as %+v", i, s.index[t.ID])
		}
	}
	members, patrollers := 0, 0
	for i := range s.heroes {
		if err := s.checkSlot(uint32(i)); err != nil {
			return fmt.Errorf("hero %d: %w", i, err)
		}
	}
	for location, c := range s.crowds {
		if len(c.members) == 0 || c.location != location {
			return fmt.Errorf("crowd %q is called %q and has %d members", location, c.location, len(c.members))
		}
		members += len(c.members)
		patrollers += len(c.patrolling)
	}
	if members != len(s.heroes) || patrollers > members {
		return fmt.Errorf("%d members, %d patrollers, %d heroes", members, patrollers, len(s.heroes))
	}
	return nil
}

func (s *State) checkSlot(at uint32) error {
	slot := s.heroes[at]
	if s.index[slot.hero.ID] != (place{KindHero, at}) {
		return fmt.Errorf("indexed as %+v", s.index[slot.hero.ID])
	}
	c := s.crowds[slot.hero.Location]
	if c == nil || c.members[slot.member] != at {
		return fmt.Errorf("not member %d of %q", slot.member, slot.hero.Location)
	}
	if slot.hero.Patrolling && c.patrolling[slot.patroller] != at {
		return fmt.Errorf("not patroller %d of %q", slot.patroller, slot.hero.Location)
	}
	return nil
}
