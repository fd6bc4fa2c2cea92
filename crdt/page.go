package crdt

import (
	"slices"
	"strings"

	"github.com/citynode/citynode/internal/cbor"
)

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
	p := s.plan(c, bytesMax)
	if p.tombstones > 0 {
		e.Tombstones = make([]Tombstone, p.tombstones)
		for i := range e.Tombstones {
			e.Tombstones[i] = s.tombstones.At(uint32(p.met + i)).Tombstone
		}
	}
	e.Heroes = s.copied(p.heroes, p.nameBytes, func(i int) uint32 { return uint32(p.left - 1 - i) })
	return e, p.next(), p.more
}

// AppendPage appends the encoding of what [State.Page] returns, byte for byte
// what [AppendEntries] makes of it, and returns the number of entries in it. It
// is for those who only pass pages on: no hero is copied on the way.
func (s *State) AppendPage(dst []byte, c Cursor, bytesMax int) (page []byte, entries int, next Cursor, more bool) {
	p := s.plan(c, bytesMax)
	dst = slices.Grow(dst, p.bytes+HeroBytesMax) // the last hero's spare room, see appendHero
	dst = appendEntriesHead(dst, p.heroes > 0, p.tombstones > 0)
	if p.heroes > 0 {
		dst = cbor.AppendHead(append(dst, keyHeroes), cbor.Array, uint64(p.heroes))
		for i := range p.heroes {
			dst = s.appendHero(dst, s.heroes.At(uint32(p.left-1-i)))
		}
	}
	if p.tombstones > 0 {
		dst = cbor.AppendHead(append(dst, keyTombstones), cbor.Array, uint64(p.tombstones))
		for i := range p.tombstones {
			dst = AppendTombstone(dst, s.tombstones.At(uint32(p.met+i)).Tombstone)
		}
	}
	return dst, p.heroes + p.tombstones, p.next(), p.more
}

// PageAt is [State.Page] for the heroes at one location. Every hero that is
// there from the first page to the last, in whatever version, is in at least
// one of them.
func (s *State) PageAt(location string, c Cursor, bytesMax int) (heroes []Hero, next Cursor, more bool) {
	p := plan{left: c.left(s.CountAt(location)), bytes: EntriesOverheadMax}
	there := s.locations.of(location)
	member := func(i int) uint32 { return there.members.At(uint32(p.left - 1 - i)) }
	s.planHeroes(&p, bytesMax, member)
	return s.copied(p.heroes, p.nameBytes, member), cursorOf(0, p.left-p.heroes), p.more
}

// plan is what goes into a page.
type plan struct {
	met, left          int // of the cursor: where the page starts
	tombstones, heroes int // how many go in
	bytes              int // of its encoding, at most
	nameBytes          int // of its heroes' names
	more               bool
}

// next returns the cursor for the page after this one.
func (p *plan) next() Cursor { return cursorOf(p.met+p.tombstones, p.left-p.heroes) }

func (s *State) plan(c Cursor, bytesMax int) plan {
	p := plan{
		met:   c.met(int(s.tombstones.Len())),
		left:  c.left(int(s.heroes.Len())),
		bytes: EntriesOverheadMax,
	}
	for ; p.met+p.tombstones < int(s.tombstones.Len()); p.tombstones++ {
		if p.full(TombstoneSize(s.tombstones.At(uint32(p.met+p.tombstones)).Tombstone), bytesMax) {
			return p
		}
	}
	s.planHeroes(&p, bytesMax, func(i int) uint32 { return uint32(p.left - 1 - i) })
	return p
}

// planHeroes adds heroes as long as they fit: of the p.left there are, the ith
// is in the slot that at tells.
func (s *State) planHeroes(p *plan, bytesMax int, at func(i int) uint32) {
	for ; p.heroes < p.left; p.heroes++ {
		slot := s.heroes.At(at(p.heroes))
		if p.full(s.heroSize(slot), bytesMax) {
			return
		}
		p.nameBytes += int(slot.nameBytes)
	}
}

// full adds the size of one more entry, or reports that it is for the next page.
func (p *plan) full(size, bytesMax int) bool {
	p.more = p.bytes+size > bytesMax && p.tombstones+p.heroes > 0
	if !p.more {
		p.bytes += size
	}
	return p.more
}

// copied returns copies of n heroes, of which the ith is in the slot that at
// tells. Their names share one string.
func (s *State) copied(n, nameBytes int, at func(i int) uint32) []Hero {
	if n == 0 {
		return nil
	}
	var names strings.Builder
	names.Grow(nameBytes)
	heroes := make([]Hero, n)
	for i := range heroes {
		slot := s.heroes.At(at(i))
		start := names.Len()
		names.Write(s.nameOf(slot))
		heroes[i] = s.heroNamed(slot, names.String()[start:])
	}
	return heroes
}
