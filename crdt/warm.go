package crdt

// warmAhead is the number of entries that are warmed at a time: as many as a
// processor has reads under way, and few enough that none is cold again when
// its turn comes.
const warmAhead = 16

// warmed is what was found out about some heroes before their turn.
type warmed struct {
	hashes [warmAhead]uint64 // of their IDs
	// prints are the fingerprints of those that are probably wanted, and zero
	// for the others.
	prints [warmAhead]Fingerprint
}

// warm reads what a merge of these heroes, at most warmAhead, is going to read.
// At a million entries nearly every read misses the processor's caches; here,
// step by step, none depends on another hero's, so that it waits for many at
// once and not for one after the other. It changes nothing but the waiting:
// what is wanted is decided when a hero's turn comes, for those before it in
// the batch may matter.
func (s *State) warm(heroes []Hero) (w warmed) {
	var slots [warmAhead]*heroSlot
	var wanted [warmAhead]bool // for all that is seen here
	touched := uint32(0)
	for i := range heroes {
		w.hashes[i] = s.hashID(heroes[i].ID)
		touched += s.ids.touch(w.hashes[i])
	}
	for i := range heroes {
		p := s.ids.probe(w.hashes[i])
		r := p.next()
		if r.kind() == KindHero {
			slots[i] = s.heroes.at(r.at())
			touched += uint32(slots[i].id[0]) + uint32(slots[i].version.HLC) + uint32(slots[i].health)
		}
		wanted[i] = r == none
	}
	for i := range heroes {
		if slot := slots[i]; slot != nil && slot.version.HLC < heroes[i].Version.HLC {
			wanted[i] = true
			touched += uint32(s.nameOf(slot)[0])
		}
	}
	for i := range heroes {
		if wanted[i] {
			w.prints[i] = heroes[i].Fingerprint()
		}
	}
	s.touched += touched
	return w
}

// touch reads the slot at which a hash is looked for first.
func (t *table) touch(hash uint64) uint32 {
	slots := t.shard(hash).slots
	if len(slots) == 0 {
		return 0
	}
	return slots[home(uint32(hash), len(slots))].tag
}
