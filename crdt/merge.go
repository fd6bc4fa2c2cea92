package crdt

import (
	"bytes"
	"math"
	"slices"
)

// Merged is what a batch did to a state.
type Merged struct {
	// Changes are the writes in the order they were made. An ID that was in
	// the batch more than once may have more than one. Their heroes may share
	// the memory of the batch's strings.
	Changes []Change
	// Future are the heroes that were skipped: they would have changed the
	// state, but their stamps lie beyond the horizon. They are to be offered
	// again when they are due, and share no memory with the batch.
	Future []Hero
	// New is how many of the entries are of IDs that were unknown before.
	New int
	// LeftOut are the entries of unknown IDs that were left out since NewMax others had
	// entered. They share the memory of the batch.
	LeftOut Entries

	newMax int
}

// NoNewMax, as the newMax of [State.MergeWithin], has all unknown IDs enter.
const NoNewMax = math.MaxInt

// MergeWithin is [State.Merge] with a bound on what the state grows by: of the entries
// whose IDs are unknown, heroes and tombstones alike, the first newMax enter and the
// others are left out. What concerns a known ID is merged whatever the bound.
func (s *State) MergeWithin(e Entries, horizon Stamp, newMax int) Merged {
	m := Merged{newMax: max(newMax, 0)}
	s.merge(&m, e, horizon)
	return m
}

// Merge merges a batch: all tombstones, then all heroes but those that would
// change something and whose HLC is after the horizon. Tombstones are never
// future. [NoHorizon] skips nothing. A batch that is known already, as most
// are, costs no allocation.
//
// The entries must be valid, as decoders return them: this checks nothing.
func (s *State) Merge(e Entries, horizon Stamp) Merged {
	m := Merged{newMax: NoNewMax}
	s.merge(&m, e, horizon)
	return m
}

func (s *State) merge(m *Merged, e Entries, horizon Stamp) {
	left := e.Len()
	for i := range e.Tombstones {
		t := &e.Tombstones[i]
		switch r := s.find(t.ID); {
		case !s.wantsTombstone(t, r):
		case !m.admits(r):
			m.LeftOut.Tombstones = append(m.LeftOut.Tombstones, *t)
		default:
			s.writeTombstone(t, r, m.change(left))
		}
		left--
	}
	for rest := e.Heroes; len(rest) > 0; {
		n := min(warmAhead, len(rest))
		s.mergeHeroes(m, rest[:n], horizon, len(rest))
		rest = rest[n:]
	}
}

// admits reports whether an entry that is wanted may enter, where r is what is known of
// its ID, and counts it if it is new.
func (m *Merged) admits(r ref) bool {
	switch {
	case r != none:
		return true
	case m.New >= m.newMax:
		return false
	}
	m.New++
	return true
}

// mergeHeroes merges up to warmAhead heroes, the first of left.
func (s *State) mergeHeroes(m *Merged, heroes []Hero, horizon Stamp, left int) {
	w := s.warm(heroes)
	for i := range heroes {
		h := &heroes[i]
		switch r := s.findHashed(h.ID, w.hashes[i]); {
		case !s.wantsHero(h, r):
		case h.Version.HLC > horizon:
			m.Future = append(m.Future, h.Detach())
		case !m.admits(r):
			m.LeftOut.Heroes = append(m.LeftOut.Heroes, *h)
		default:
			s.writeHero(h, r, w.fingerprints[i], m.change(left-i))
		}
	}
}

// Knows reports whether the state has an entry of this ID, alive or dead.
func (s *State) Knows(id ID) bool { return s.find(id) != none }

// change returns room for one change, where at most left more will come. Most
// of a batch is often known already, so room is made step by step.
func (m *Merged) change(left int) *Change {
	n := len(m.Changes)
	if n == cap(m.Changes) {
		m.Changes = slices.Grow(m.Changes, min(left, max(32, 7*n)))
	}
	m.Changes = m.Changes[:n+1]
	return &m.Changes[n]
}

// MergeHero merges one valid hero and reports whether it changed the state. A
// tombstone beats it, and so does a hero with a greater version; at equal
// versions the greater canonical encoding wins, so that not even a city that
// gives two heroes one version can make two replicas disagree.
func (s *State) MergeHero(h Hero) (c Change, changed bool) {
	r := s.find(h.ID)
	if !s.wantsHero(&h, r) {
		return Change{}, false
	}
	s.writeHero(&h, r, Fingerprint{}, &c)
	return c, true
}

// MergeTombstone merges one valid tombstone and reports whether it changed the
// state. It beats every hero; of two tombstones the greater version wins. (At
// equal versions they are the same, byte for byte.)
func (s *State) MergeTombstone(t Tombstone) (c Change, changed bool) {
	r := s.find(t.ID)
	if !s.wantsTombstone(&t, r) {
		return Change{}, false
	}
	s.writeTombstone(&t, r, &c)
	return c, true
}

// wantsHero reports whether merging h would change the state, where r is what
// is known of its ID.
func (s *State) wantsHero(h *Hero, r ref) bool {
	switch r.kind() {
	case KindTombstone:
		return false
	case KindHero:
		return s.beats(h, s.heroes.At(r.at()))
	default:
		return true
	}
}

// wantsTombstone reports whether merging t would change the state.
func (s *State) wantsTombstone(t *Tombstone, r ref) bool {
	return r.kind() != KindTombstone || t.Version.Compare(s.tombstones.At(r.at()).Version) > 0
}

// beats reports whether h wins over another version of the same hero.
func (s *State) beats(h *Hero, old *heroSlot) bool {
	if order := h.Version.Compare(old.version); order != 0 {
		return order > 0
	}
	same := h.Health == old.health && h.Patrolling == old.patrolling &&
		h.Name == string(s.nameOf(old)) && h.Location == s.locationOf(old)
	return !same && s.greater(h, old)
}

// greater compares canonical encodings.
func (s *State) greater(h *Hero, old *heroSlot) bool {
	var a, b [HeroBytesMax]byte
	return bytes.Compare(AppendHero(a[:0], *h), s.appendHero(b[:0], old)) > 0
}

// writeHero writes h, which is wanted, over what is at r and tells c. known
// is its fingerprint, or zero if that has to be worked out.
func (s *State) writeHero(h *Hero, r ref, known Fingerprint, c *Change) {
	if known == (Fingerprint{}) {
		known = h.Fingerprint()
	}
	c.ID = h.ID
	var was Fingerprint
	now := r
	if r == none {
		now = s.addHero(h)
	} else {
		slot := s.heroes.At(r.at())
		was = slot.fingerprint.fingerprint()
		c.Old.Kind, c.Old.Hero = KindHero, s.heroBefore(slot, h)
		s.replaceHero(r.at(), h)
	}
	c.New.Kind, c.New.Hero = KindHero, *h
	s.account(h.ID, mark{r, was}, mark{now, known})
}

// heroBefore returns the hero in a slot that h is about to overwrite. Names
// hardly ever change, so h's own will mostly do.
func (s *State) heroBefore(slot *heroSlot, h *Hero) Hero {
	if string(s.nameOf(slot)) == h.Name {
		return s.heroNamed(slot, h.Name)
	}
	return s.hero(slot)
}

// writeTombstone writes t, which is wanted, over what is at r and tells c.
func (s *State) writeTombstone(t *Tombstone, r ref, c *Change) {
	c.ID, c.Old, c.New = t.ID, s.record(r), TombstoneRecord(*t)
	was := mark{ref: r}
	if r != none {
		was.fingerprint = s.fingerprintAt(r).fingerprint()
	}
	s.account(t.ID, was, mark{s.putTombstone(r, t), t.Fingerprint()})
}

// mark is what the summary and the index of symbols need to know of an entry:
// where it is or was, and its fingerprint.
type mark struct {
	ref         ref
	fingerprint Fingerprint
}

// account keeps up to date all that is derived from the set of entries, the
// summary and what is looked up by symbols: exactly the old entry out, the new
// in. Every write comes through here, and nothing else does.
func (s *State) account(id ID, old, now mark) {
	s.summary.remove(old)
	s.summary.add(now)
	*s.fingerprintAt(now.ref) = now.fingerprint.short()
	s.enter(indexed{id: id, out: old.fingerprint.Symbol(), in: now.fingerprint.Symbol(), was: old.ref, is: now.ref})
}
