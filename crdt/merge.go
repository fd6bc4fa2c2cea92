package crdt

import "bytes"

// Merged is what a batch did to a state.
type Merged struct {
	// Changes are the writes in the order they were made. An ID that was in
	// the batch more than once may have more than one.
	Changes []Change
	// Future are the heroes that were skipped: they would have changed the
	// state, but their stamps lie beyond the horizon. They are to be offered
	// again when they are due.
	Future []Hero
}

// Merge merges a batch: all tombstones, then all heroes but those that would
// change something and whose HLC is after the horizon. Tombstones are never
// future. [NoHorizon] skips nothing.
//
// The entries must be valid, as decoders return them: this checks nothing.
func (s *State) Merge(e Entries, horizon Stamp) Merged {
	var m Merged
	for _, t := range e.Tombstones {
		if c, changed := s.MergeTombstone(t); changed {
			m.Changes = append(m.Changes, c)
		}
	}
	for _, h := range e.Heroes {
		if h.Version.HLC > horizon && s.wants(h) {
			m.Future = append(m.Future, h)
			continue
		}
		if c, changed := s.MergeHero(h); changed {
			m.Changes = append(m.Changes, c)
		}
	}
	return m
}

// MergeHero merges one valid hero and reports whether it changed the state. A
// tombstone beats it, and so does a hero with a greater version; at equal
// versions the greater canonical encoding wins, so that not even a city that
// gives two heroes one version can make two replicas disagree.
func (s *State) MergeHero(h Hero) (Change, bool) {
	if !s.wants(h) {
		return Change{}, false
	}
	c := Change{ID: h.ID, Old: s.Record(h.ID), New: heroRecord(h)}
	s.putHero(h)
	s.account(c)
	return c, true
}

// MergeTombstone merges one valid tombstone and reports whether it changed the
// state. It beats every hero; of two tombstones the greater version wins. (At
// equal versions they are the same, byte for byte.)
func (s *State) MergeTombstone(t Tombstone) (Change, bool) {
	old := s.Record(t.ID)
	if old.Kind == KindTombstone && t.Version.Compare(old.Tombstone.Version) <= 0 {
		return Change{}, false
	}
	c := Change{ID: t.ID, Old: old, New: tombstoneRecord(t)}
	s.putTombstone(t)
	s.account(c)
	return c, true
}

// wants reports whether merging h would change the state.
func (s *State) wants(h Hero) bool {
	p := s.index[h.ID]
	switch p.kind {
	case KindTombstone:
		return false
	case KindHero:
		return h.beats(s.heroes[p.at].hero)
	default:
		return true
	}
}

// beats reports whether h wins over another version of the same hero.
func (h Hero) beats(old Hero) bool {
	if order := h.Version.Compare(old.Version); order != 0 {
		return order > 0
	}
	return h != old && bytes.Compare(AppendHero(nil, h), AppendHero(nil, old)) > 0
}

// account keeps the summary up to date: exactly the old entry out, the new in.
func (s *State) account(c Change) {
	s.summary.remove(c.Old)
	s.summary.add(c.New)
}
