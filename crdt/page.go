package crdt

// Cursor is a place in a walk through a state in pages; 0 is the start. It has
// a meaning only for the State object that gave it. Any value is safe.
//
// Why a walk meets what stays: heroes are walked backward by position, and the
// cursor says that those at positions from n on have been met. A write either
// appends a hero (nobody else moves), overwrites one in place, or removes one
// and moves the last hero to the hole, that is to a lower position. So no hero
// ever moves up: one that has not been met is below n and stays below n until
// the walk, which ends only at n = 0, meets it. One that has been met may be
// moved below n and be met again. The same holds for the members of a location.
//
// Tombstones are never removed, so they are walked forward, and each page sends
// first those that came since the last one. So a hero that dies during the walk
// and was not met yet is met as a tombstone: no ID that the state knew at the
// start is missed, whatever happens meanwhile.
type Cursor uint64

// The low half of a cursor is one more than the heroes not met yet (0: not
// begun); the high half counts the tombstones met.
func cursorOf(tombstones, left int) Cursor {
	return Cursor(tombstones)<<32 | Cursor(left+1)
}

// left returns how many of size positions have not been met yet.
func (c Cursor) left(size int) int {
	if low := uint32(c); low != 0 {
		return int(min(uint64(low-1), uint64(size)))
	}
	return size
}

// met returns how many of size tombstones have been met.
func (c Cursor) met(size int) int { return int(min(uint64(c>>32), uint64(size))) }

// Page returns the next entries of a walk through the whole state, tombstones
// before heroes, the cursor for the page after it, and whether there is one.
// The page's encoding takes at most bytesMax bytes, but a page always has at
// least one entry if any is left. It costs O(page).
//
// Every entry that is in the state from the first page to the last is in at
// least one of them, and so is, in some version, every ID that was there at the
// first.
func (s *State) Page(c Cursor, bytesMax int) (e Entries, next Cursor, more bool) {
	met, left := c.met(len(s.tombstones)), c.left(len(s.heroes))
	room := bytesMax - EntriesOverheadMax
	for ; met < len(s.tombstones); met++ {
		t := s.tombstones[met]
		if room -= TombstoneSize(t); room < 0 && e.Len() > 0 {
			return e, cursorOf(met, left), true
		}
		e.Tombstones = append(e.Tombstones, t)
	}
	for ; left > 0; left-- {
		h := s.heroes[left-1].hero
		if room -= HeroSize(h); room < 0 && e.Len() > 0 {
			return e, cursorOf(met, left), true
		}
		e.Heroes = append(e.Heroes, h)
	}
	return e, cursorOf(met, left), false
}

// PageAt is [State.Page] for the heroes at one location. Every hero that is
// there from the first page to the last, in whatever version, is in at least
// one of them.
func (s *State) PageAt(location string, c Cursor, bytesMax int) (heroes []Hero, next Cursor, more bool) {
	left := c.left(s.CountAt(location))
	room := bytesMax - EntriesOverheadMax
	for ; left > 0; left-- {
		h, _ := s.HeroAt(location, left-1)
		if room -= HeroSize(h); room < 0 && len(heroes) > 0 {
			return heroes, cursorOf(0, left), true
		}
		heroes = append(heroes, h)
	}
	return heroes, cursorOf(0, left), false
}
