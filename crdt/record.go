package crdt

import "bytes"

// Kind tells what is known of an ID. Its values for entries are also the kind
// bytes of fingerprints.
type Kind uint8

// The kinds.
const (
	KindNone      Kind = 0 // nothing
	KindHero      Kind = 1 // it lives
	KindTombstone Kind = 2 // it is dead
)

// String returns "none", "hero" or "tombstone".
func (k Kind) String() string {
	switch k {
	case KindHero:
		return "hero"
	case KindTombstone:
		return "tombstone"
	default:
		return "none"
	}
}

// Record is what a state holds for one ID: nothing, a hero or a tombstone.
type Record struct {
	Kind Kind
	// Hero is set if Kind is KindHero.
	Hero Hero
	// Tombstone is set if Kind is KindTombstone.
	Tombstone Tombstone
}

// ID returns the ID of the hero or the tombstone, and the zero one for KindNone.
func (r *Record) ID() ID {
	if r.Kind == KindTombstone {
		return r.Tombstone.ID
	}
	return r.Hero.ID
}

// Entries returns the record as entries to send: one or none.
func (r Record) Entries() (e Entries) {
	e.Add(r)
	return e
}

// Detach returns the record with a hero that shares memory with no other; see
// [Hero.Detach].
func (r Record) Detach() Record {
	r.Hero = r.Hero.Detach()
	return r
}

// Beats reports whether r wins over old, which has the same ID: whether merging r into a
// state that holds old would change it. The rules are those of [State.MergeHero] and
// [State.MergeTombstone]. Anything beats KindNone, which itself beats nothing.
func (r *Record) Beats(old *Record) bool {
	switch {
	case r.Kind == KindNone || old.Kind == KindNone:
		return r.Kind != KindNone
	case r.Kind != old.Kind:
		return r.Kind == KindTombstone
	case r.Kind == KindTombstone:
		return r.Tombstone.Version.Compare(old.Tombstone.Version) > 0
	}
	if order := r.Hero.Version.Compare(old.Hero.Version); order != 0 {
		return order > 0
	}
	var a, b [HeroBytesMax]byte
	return bytes.Compare(AppendHero(a[:0], r.Hero), AppendHero(b[:0], old.Hero)) > 0
}

// Fingerprint returns the entry's fingerprint, and the zero one for KindNone.
func (r Record) Fingerprint() Fingerprint {
	switch r.Kind {
	case KindHero:
		return r.Hero.Fingerprint()
	case KindTombstone:
		return r.Tombstone.Fingerprint()
	default:
		return Fingerprint{}
	}
}

// HeroRecord returns the record of a living hero.
func HeroRecord(h Hero) Record { return Record{Kind: KindHero, Hero: h} }

// TombstoneRecord returns the record of a dead one.
func TombstoneRecord(t Tombstone) Record { return Record{Kind: KindTombstone, Tombstone: t} }

// Change is one write to a state: what was known of an ID and what is now.
type Change struct {
	ID       ID
	Old, New Record
}

// Entries returns the new record as entries to send.
func (c Change) Entries() Entries { return c.New.Entries() }

// Touches reports whether the change concerns a location: the hero was there
// or is there now. A death concerns the place where the hero was; that of a
// hero that was not known concerns none.
func (c Change) Touches(location string) bool {
	return c.Old.at(location) || c.New.at(location)
}

func (r Record) at(location string) bool {
	return r.Kind == KindHero && r.Hero.Location == location
}
