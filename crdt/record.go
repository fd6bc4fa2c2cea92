package crdt

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

func heroRecord(h Hero) Record { return Record{Kind: KindHero, Hero: h} }

func tombstoneRecord(t Tombstone) Record { return Record{Kind: KindTombstone, Tombstone: t} }

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
