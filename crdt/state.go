package crdt

import (
	"hash/maphash"

	"github.com/citynode/citynode/crdt/internal/table"
	"github.com/citynode/citynode/crdt/sketch"
)

// State is a replica's whole state: at most one record an ID. The zero value
// is not usable; see [NewState]. It has one owner and no lock.
//
// Records lie in dense slabs, so that a page or a random pick needs no walk
// through a map; a removed hero's place is taken by the last one (swap-delete).
// They hold no pointers: names lie in an arena, locations are numbers, so that
// a collection of garbage costs next to nothing however many heroes there are.
// Every write is O(1) in the number of entries, and everything grows in small
// steps, so that no write waits for millions of others to be moved. A State
// copies what it keeps and gives out copies.
type State struct {
	heroes table.Slab[heroSlot]
	// tombstones only grows, and a tombstone keeps its position for ever.
	tombstones table.Slab[tombstoneSlot]
	names      table.Arena
	locations  locations
	tended     tended
	later      later
	// ids and symbols say where the record of an ID or a symbol is.
	ids, symbols table.Table
	// seed keys the hashes of both. Nothing that a caller sees depends on it.
	seed     maphash.Seed
	replaced replaced
	// sketch is that of the symbols of all entries: some cells for each entry, up
	// to cellsMax.
	sketch  *sketch.Sketch
	backlog backlog
	summary Summary
	touched uint32 // a sum of no meaning; see warm
}

// A heroSlot is a hero without pointers, and its positions in the lists of its
// location's residents and of the heroes that are tended.
type heroSlot struct {
	id          ID
	version     Version
	fingerprint shortFingerprint
	name        uint32 // in State.names
	location    uint32 // in State.locations
	member      uint32
	tended      uint32 // one more than its position in State.tended, or with laterBit in State.later; 0: in neither
	nameBytes   uint8
	health      uint8
	patrolling  bool
}

// The arena takes every valid name.
const _ = uint(table.TextBytesMax - NameBytesMax)

type tombstoneSlot struct {
	Tombstone
	fingerprint shortFingerprint
}

// NewState returns an empty state.
func NewState() *State {
	return &State{seed: maphash.MakeSeed(), sketch: sketch.New(sketch.CellsMin)}
}

// Summary returns counts and digest. It is kept up to date on each write.
func (s *State) Summary() Summary { return s.summary }

// Record returns what is known of id.
func (s *State) Record(id ID) Record { return s.record(s.find(id)) }

// Hero returns the living hero with this ID.
func (s *State) Hero(id ID) (Hero, bool) {
	r := s.find(id)
	if r.kind() != KindHero {
		return Hero{}, false
	}
	return s.hero(s.heroes.At(r.at())), true
}

// Tombstone returns the tombstone with this ID.
func (s *State) Tombstone(id ID) (Tombstone, bool) {
	r := s.find(id)
	if r.kind() != KindTombstone {
		return Tombstone{}, false
	}
	return s.tombstones.At(r.at()).Tombstone, true
}

// find returns where the record of an ID is.
func (s *State) find(id ID) ref { return s.findHashed(id, s.hashID(id)) }

func (s *State) findHashed(id ID, hash uint64) ref {
	p := s.ids.Probe(hash)
	for {
		r := ref(p.Next())
		if r == none || s.idAt(r) == id {
			return r
		}
	}
}

func (s *State) hashID(id ID) uint64 { return maphash.Bytes(s.seed, id[:]) }

// idAt returns the ID of the record there.
func (s *State) idAt(r ref) ID {
	if r.kind() == KindHero {
		return s.heroes.At(r.at()).id
	}
	return s.tombstones.At(r.at()).ID
}

func (s *State) record(r ref) Record {
	switch r.kind() {
	case KindHero:
		return HeroRecord(s.hero(s.heroes.At(r.at())))
	case KindTombstone:
		return TombstoneRecord(s.tombstones.At(r.at()).Tombstone)
	default:
		return Record{}
	}
}

// hero returns the hero in a slot, with a copy of its name.
func (s *State) hero(slot *heroSlot) Hero { return s.heroNamed(slot, string(s.nameOf(slot))) }

// heroNamed returns the hero in a slot; name is a copy of its name.
func (s *State) heroNamed(slot *heroSlot, name string) Hero {
	return Hero{
		ID: slot.id, Name: name, Location: s.locationOf(slot), Health: slot.health,
		Patrolling: slot.patrolling, Version: slot.version,
	}
}

// nameOf returns the name's bytes, which a write may change.
func (s *State) nameOf(slot *heroSlot) []byte { return s.names.Bytes(slot.name, slot.nameBytes) }

func (s *State) locationOf(slot *heroSlot) string { return s.locations.At(slot.location).location }

// addHero enters a hero whose ID is not known and returns where.
func (s *State) addHero(h *Hero) ref {
	at := s.heroes.Push()
	slot := s.heroes.At(at)
	slot.id = h.ID
	slot.name, slot.nameBytes = s.names.Put(h.Name), uint8(len(h.Name))
	slot.overwrite(h)
	s.ids.Insert(s.hashID(h.ID), uint32(heroAt(at)))
	s.join(at, s.locations.number(h.Location))
	return heroAt(at)
}

// overwrite sets what lies in the slot itself.
func (slot *heroSlot) overwrite(h *Hero) {
	slot.version, slot.health, slot.patrolling = h.Version, h.Health, h.Patrolling
}

// replaceHero writes a new version of the hero at this position. Where the
// location stays the same so does the hero's position in its list of members,
// on which PageAt relies.
func (s *State) replaceHero(at uint32, h *Hero) {
	slot := s.heroes.At(at)
	s.rename(slot, h.Name)
	switch {
	case s.locationOf(slot) != h.Location:
		to := s.locations.number(h.Location) // before it leaves, when its own may be given up
		s.leave(at)
		slot.overwrite(h)
		s.join(at, to)
	case slot.isLater(), h.Version.HLC > s.later.until:
		fallthrough
	case slot.patrolling != h.Patrolling, slot.version.Replica != h.Version.Replica:
		s.untend(at)
		slot.overwrite(h)
		s.tend(at)
	default:
		slot.overwrite(h)
	}
}

func (s *State) rename(slot *heroSlot, name string) {
	if string(s.nameOf(slot)) == name {
		return
	}
	s.names.Release(slot.name, slot.nameBytes)
	slot.name, slot.nameBytes = s.names.Put(name), uint8(len(name))
}

// putTombstone writes t in the place of what was at r and returns where it is
// now.
func (s *State) putTombstone(r ref, t *Tombstone) ref {
	if r.kind() == KindTombstone {
		s.tombstones.At(r.at()).Tombstone = *t
		return r
	}
	at := s.tombstones.Push()
	s.tombstones.At(at).Tombstone = *t
	if r == none {
		s.ids.Insert(s.hashID(t.ID), uint32(tombstoneAt(at)))
	} else {
		s.ids.Move(s.hashID(t.ID), uint32(r), uint32(tombstoneAt(at)))
		s.removeHero(r.at())
	}
	return tombstoneAt(at)
}

// removeHero deletes the hero at this position and moves the last hero there. The
// caller has already removed it from the indexes.
func (s *State) removeHero(at uint32) {
	s.leave(at)
	slot := s.heroes.At(at)
	s.names.Release(slot.name, slot.nameBytes)
	if last := s.heroes.Len() - 1; at != last {
		*slot = *s.heroes.At(last)
		s.ids.Move(s.hashID(slot.id), uint32(heroAt(last)), uint32(heroAt(at)))
		s.enterMove(slot, heroAt(last), heroAt(at))
		s.relist(at)
	}
	s.heroes.Pop()
}

// ref says where a record lies: the position in its slab, counted from 1, and
// in the lowest bit whether that is the slab of tombstones. 31 bits are enough:
// 2^31 heroes would take more than 200 GB.
type ref uint32

const none ref = 0

func heroAt(at uint32) ref { return ref(at+1) << 1 }

func tombstoneAt(at uint32) ref { return ref(at+1)<<1 | 1 }

func (r ref) at() uint32 { return uint32(r>>1) - 1 }

func (r ref) kind() Kind {
	switch {
	case r == none:
		return KindNone
	case r&1 == 0:
		return KindHero
	default:
		return KindTombstone
	}
}
