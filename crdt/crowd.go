package crdt

// crowd is who is at one location, as positions in State.heroes. Both lists
// are dense and use swap-delete, so that a city picks a random hero in O(1). A
// crowd without members is not kept.
type crowd struct {
	location   string
	members    []uint32
	patrolling []uint32
}

// CountAt returns the number of heroes at a location.
func (s *State) CountAt(location string) int {
	if c := s.crowds[location]; c != nil {
		return len(c.members)
	}
	return 0
}

// HeroAt returns the hero at position i, from 0 to CountAt-1, of those at a
// location, in O(1). The order is arbitrary and changes with writes.
func (s *State) HeroAt(location string, i int) (Hero, bool) {
	c := s.crowds[location]
	if c == nil || i < 0 || i >= len(c.members) {
		return Hero{}, false
	}
	return s.heroes[c.members[i]].hero, true
}

// PatrollingAt returns the number of patrolling heroes at a location.
func (s *State) PatrollingAt(location string) int {
	if c := s.crowds[location]; c != nil {
		return len(c.patrolling)
	}
	return 0
}

// PatrollingHeroAt returns the hero at position i, from 0 to PatrollingAt-1,
// of those that patrol at a location, in O(1). The order is arbitrary and
// changes with writes.
func (s *State) PatrollingHeroAt(location string, i int) (Hero, bool) {
	c := s.crowds[location]
	if c == nil || i < 0 || i >= len(c.patrolling) {
		return Hero{}, false
	}
	return s.heroes[c.patrolling[i]].hero, true
}

// join enters the hero at this position into the lists of its location.
func (s *State) join(at uint32) {
	slot := &s.heroes[at]
	c := s.crowds[slot.hero.Location]
	if c == nil {
		c = &crowd{location: slot.hero.Location}
		s.crowds[c.location] = c
	}
	slot.hero.Location = c.location // one copy of the name for all members
	slot.member = uint32(len(c.members))
	c.members = append(c.members, at)
	if slot.hero.Patrolling {
		s.startPatrol(at)
	}
}

// leave is the opposite of join.
func (s *State) leave(at uint32) {
	slot := &s.heroes[at]
	if slot.hero.Patrolling {
		s.stopPatrol(at)
	}
	c := s.crowds[slot.hero.Location]
	last := len(c.members) - 1
	moved := c.members[last]
	c.members[slot.member] = moved
	s.heroes[moved].member = slot.member
	c.members = c.members[:last]
	if last == 0 {
		delete(s.crowds, c.location)
	}
}

func (s *State) startPatrol(at uint32) {
	slot := &s.heroes[at]
	c := s.crowds[slot.hero.Location]
	slot.patroller = uint32(len(c.patrolling))
	c.patrolling = append(c.patrolling, at)
}

func (s *State) stopPatrol(at uint32) {
	slot := &s.heroes[at]
	c := s.crowds[slot.hero.Location]
	last := len(c.patrolling) - 1
	moved := c.patrolling[last]
	c.patrolling[slot.patroller] = moved
	s.heroes[moved].patroller = slot.patroller
	c.patrolling = c.patrolling[:last]
}

// relist tells the lists of its location that a hero has moved to this
// position.
func (s *State) relist(at uint32) {
	slot := &s.heroes[at]
	c := s.crowds[slot.hero.Location]
	c.members[slot.member] = at
	if slot.hero.Patrolling {
		c.patrolling[slot.patroller] = at
	}
}
