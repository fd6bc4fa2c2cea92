package crdt

import (
	"strings"

	"github.com/citynode/citynode/crdt/internal/table"
)

// residents are the heroes at one location, as positions in State.heroes, in a dense list
// that uses swap-delete.
type residents struct {
	location string
	members  table.List
	tended   bool // those among them with a certain replica are in State.tended
	// next is, while nobody is here, one more than the unused number after this.
	next uint32
}

// locations numbers the locations at which somebody is. A location that the last
// hero leaves gives its number up, so that names of locations, which peers
// invent, take no more room than there were heroes at a time.
type locations struct {
	table.Slab[residents]
	numbers map[string]uint32
	// unused is one more than the first of the numbers to use again.
	unused uint32
	// tended is the location of the heroes in State.tended; "": none.
	tended string
	// last is the number asked for last: neighbours in a batch are often at
	// one location.
	last uint32
}

// of returns the residents of a location, nil if there are none.
func (c *locations) of(location string) *residents {
	if number, known := c.numbers[location]; known {
		return c.At(number)
	}
	return nil
}

// number returns the number of a location, a new one if nobody is there. The
// caller has a hero join it: only the last hero that leaves frees a number.
func (c *locations) number(location string) uint32 {
	if c.last < c.Len() && c.At(c.last).location == location {
		return c.last
	}
	number, known := c.numbers[location]
	if !known {
		number = c.enter(strings.Clone(location))
	}
	c.last = number
	return number
}

func (c *locations) enter(location string) (number uint32) {
	if c.unused != 0 {
		number = c.unused - 1
		c.unused = c.At(number).next
	} else {
		number = c.Push()
	}
	*c.At(number) = residents{location: location, tended: location == c.tended}
	if c.numbers == nil {
		c.numbers = make(map[string]uint32)
	}
	c.numbers[location] = number
	return number
}

// giveUp frees the number of a location that nobody is at.
func (c *locations) giveUp(number uint32) {
	empty := c.At(number)
	delete(c.numbers, empty.location)
	*empty = residents{next: c.unused}
	c.unused = number + 1
}

// CountAt returns the number of heroes at a location.
func (s *State) CountAt(location string) int {
	if c := s.locations.of(location); c != nil {
		return int(c.members.Len())
	}
	return 0
}

// HeroAt returns the hero at position i, from 0 to CountAt-1, of those at a
// location, in O(1). The order is arbitrary and changes with writes.
func (s *State) HeroAt(location string, i int) (Hero, bool) {
	if c := s.locations.of(location); c != nil {
		return s.pick(&c.members, i)
	}
	return Hero{}, false
}

func (s *State) pick(l *table.List, i int) (Hero, bool) {
	if i < 0 || i >= int(l.Len()) {
		return Hero{}, false
	}
	return s.hero(s.heroes.At(l.At(uint32(i)))), true
}

// join adds the hero at this position to the lists of a location.
func (s *State) join(at, location uint32) {
	slot := s.heroes.At(at)
	slot.location = location
	slot.member = s.locations.At(location).members.Push(at)
	s.tend(at)
}

// leave removes the hero at this position from the lists of its location.
func (s *State) leave(at uint32) {
	s.untend(at)
	slot := s.heroes.At(at)
	c := s.locations.At(slot.location)
	moved := c.members.Remove(slot.member)
	s.heroes.At(moved).member = slot.member
	if c.members.Len() == 0 {
		s.locations.giveUp(slot.location)
	}
}

// relist tells the lists of its location that a hero has moved to this
// position.
func (s *State) relist(at uint32) {
	slot := s.heroes.At(at)
	s.locations.At(slot.location).members.Set(slot.member, at)
	switch {
	case slot.isLater():
		s.later.heap.Set(slot.tended&^laterBit-1, at)
	case slot.tended != 0:
		s.tended.list.Set(slot.tended-1, at)
	}
}
