package crdt

// State is a replica's whole state: at most one record an ID. The zero value
// is not usable; see [NewState]. It has one owner and no lock.
//
// Records lie in dense slices, so that a page or a random pick needs no walk
// through a map; a removed hero's place is taken by the last one (swap-delete).
// Every write is O(1) in the number of entries, and nothing depends on the
// order in which a map is walked.
type State struct {
	heroes []heroSlot
	// tombstones only grows, and a tombstone keeps its position for ever.
	tombstones []Tombstone
	// index says where the record of an ID is.
	index map[ID]place
	// crowds lists the heroes of each location that has one.
	crowds  map[string]*crowd
	summary Summary
}

// heroSlot is a hero and its positions in the lists of its location's crowd.
type heroSlot struct {
	hero      Hero
	member    uint32
	patroller uint32 // only while patrolling
}

// place is a position in State.heroes or State.tombstones. 32 bits are enough:
// 2^32 entries would take more than 300 GB.
type place struct {
	kind Kind
	at   uint32
}

// NewState returns an empty state.
func NewState() *State {
	return &State{index: make(map[ID]place), crowds: make(map[string]*crowd)}
}

// Summary returns counts and digest. It is kept up to date on each write.
func (s *State) Summary() Summary { return s.summary }

// Record returns what is known of id.
func (s *State) Record(id ID) Record {
	switch p := s.index[id]; p.kind {
	case KindHero:
		return heroRecord(s.heroes[p.at].hero)
	case KindTombstone:
		return tombstoneRecord(s.tombstones[p.at])
	default:
		return Record{}
	}
}

// Hero returns the living hero with this ID.
func (s *State) Hero(id ID) (Hero, bool) {
	p := s.index[id]
	if p.kind != KindHero {
		return Hero{}, false
	}
	return s.heroes[p.at].hero, true
}

// Tombstone returns the tombstone with this ID.
func (s *State) Tombstone(id ID) (Tombstone, bool) {
	p := s.index[id]
	if p.kind != KindTombstone {
		return Tombstone{}, false
	}
	return s.tombstones[p.at], true
}

// putHero writes h in the place of what was known of its ID, which was not a
// tombstone.
func (s *State) putHero(h Hero) {
	if p := s.index[h.ID]; p.kind == KindHero {
		s.replaceHero(p.at, h)
		return
	}
	at := uint32(len(s.heroes))
	s.heroes = append(s.heroes, heroSlot{hero: h})
	s.index[h.ID] = place{KindHero, at}
	s.join(at)
}

// replaceHero writes a new version of the hero at this position. Where the
// location stays the same so does the hero's position in its list of members,
// on which PageAt relies.
func (s *State) replaceHero(at uint32, h Hero) {
	slot := &s.heroes[at]
	if slot.hero.Location != h.Location {
		s.leave(at)
		slot.hero = h
		s.join(at)
		return
	}
	if slot.hero.Patrolling {
		s.stopPatrol(at)
	}
	h.Location = slot.hero.Location // the copy that all its members share
	slot.hero = h
	if h.Patrolling {
		s.startPatrol(at)
	}
}

// putTombstone writes t in the place of what was known of its ID.
func (s *State) putTombstone(t Tombstone) {
	p := s.index[t.ID]
	if p.kind == KindTombstone {
		s.tombstones[p.at] = t
		return
	}
	if p.kind == KindHero {
		s.removeHero(p.at)
	}
	s.index[t.ID] = place{KindTombstone, uint32(len(s.tombstones))}
	s.tombstones = append(s.tombstones, t)
}

// removeHero takes out the hero at this position and moves the last one there.
// The index entry of the one removed is left to the caller.
func (s *State) removeHero(at uint32) {
	s.leave(at)
	last := uint32(len(s.heroes) - 1)
	if at != last {
		s.heroes[at] = s.heroes[last]
		s.index[s.heroes[at].hero.ID] = place{KindHero, at}
		s.relist(at)
	}
	s.heroes[last] = heroSlot{} // let its strings go
	s.heroes = s.heroes[:last]
}
