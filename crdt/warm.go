package crdt

// warmAhead is the number of entries that are warmed at a time: as many as a
// processor has reads under way, and few enough that none is cold again when
// its turn comes.
const warmAhead = 16

// warm reads what a merge of these heroes is going to read. At a million
// entries nearly every read misses the processor's caches; here none depends on
// another hero's, so that it waits for many at once and not for one after the
// other. It changes nothing but the waiting.
func (s *State) warm(heroes []Hero) {
	var hashes [warmAhead]uint64
	var found [warmAhead]*heroSlot
	touched := uint32(0)
	for i := range heroes {
		hashes[i] = s.hashID(heroes[i].ID)
		touched += s.ids.touch(hashes[i])
	}
	for i := range heroes {
		p := s.ids.probe(hashes[i])
		if r := p.next(); r.kind() == KindHero {
			found[i] = s.heroes.at(r.at())
			touched += uint32(found[i].nameBytes)
		}
	}
	for i, slot := range found[:len(heroes)] {
		if slot != nil && heroes[i].Version.HLC > slot.version.HLC {
			touched += s.symbols.touch(s.hashSymbol(slot.symbol))
			touched += uint32(s.nameOf(slot)[0])
			if slot.patrolling {
				touched += s.crowds.at(slot.location).patrolling.at(slot.patroller)
			}
		}
	}
	s.touched += touched
}

// touch reads the slot at which a hash is looked for first.
func (t *table) touch(hash uint64) uint32 {
	slots := t.shard(hash).slots
	if len(slots) == 0 {
		return 0
	}
	return slots[home(uint32(hash), len(slots))].tag
}
