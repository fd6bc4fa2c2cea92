package crdt

// warmAhead is the number of entries that are warmed at a time: as many as a
// processor has reads under way, and few enough that none is cold again when
// its turn comes.
const warmAhead = 16

// Warm reads what writes to these IDs are going to read, for one that is about
// to make several, one after the other: see warm. It changes nothing.
func (s *State) Warm(ids ...ID) {
	for len(ids) > 0 {
		n := min(warmAhead, len(ids))
		var w warmed
		for i, id := range ids[:n] {
			w.hashes[i] = s.hashID(id)
		}
		touched := s.warmRecords(&w, n)
		for _, slot := range w.slots[:n] {
			if slot != nil {
				touched += uint32(s.nameOf(slot)[0])
			}
		}
		s.touched += touched
		ids = ids[n:]
	}
}

// warmed is what was learnt about some IDs before their turn.
type warmed struct {
	hashes [warmAhead]uint64
	refs   [warmAhead]ref       // of the first that may have the ID
	slots  [warmAhead]*heroSlot // of those that are heroes
	// fingerprints are those of the heroes that are probably wanted, and zero for
	// the others.
	fingerprints [warmAhead]Fingerprint
}

// warm reads what a merge of these heroes, at most warmAhead, is going to read.
// At a million entries nearly every read misses the processor's caches; here,
// step by step, none depends on another hero's, so that it waits for many at
// once and not for one after the other. It changes nothing but the waiting:
// what is wanted is decided when a hero's turn comes, for those before it in
// the batch may matter.
func (s *State) warm(heroes []Hero) (w warmed) {
	for i := range heroes {
		w.hashes[i] = s.hashID(heroes[i].ID)
	}
	touched := s.warmRecords(&w, len(heroes))
	var wanted [warmAhead]bool // for all that is seen here
	for i := range heroes {
		slot := w.slots[i]
		wanted[i] = w.refs[i] == none || slot != nil && slot.version.HLC < heroes[i].Version.HLC
		if wanted[i] && slot != nil {
			touched += uint32(s.nameOf(slot)[0])
		}
	}
	for i := range heroes {
		if wanted[i] {
			w.fingerprints[i] = heroes[i].Fingerprint()
		}
	}
	s.touched += touched
	return w
}

// warmRecords finds the records of the first n hashes and reads them.
func (s *State) warmRecords(w *warmed, n int) (touched uint32) {
	for _, hash := range w.hashes[:n] {
		touched += s.ids.Touch(hash)
	}
	for i, hash := range w.hashes[:n] {
		p := s.ids.Probe(hash)
		w.refs[i] = ref(p.Next())
		if w.refs[i].kind() == KindHero {
			w.slots[i] = s.heroes.At(w.refs[i].at())
		}
	}
	for _, slot := range w.slots[:n] {
		if slot != nil {
			touched += uint32(slot.id[0]) + uint32(slot.version.HLC) + uint32(slot.health)
		}
	}
	return touched
}
