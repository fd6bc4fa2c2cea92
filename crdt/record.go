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
func (r Record) Entries() Entries {
	switch r.Kind {
	case KindHero:
		return Entries{Heroes: []Hero{r.Hero}}
	case KindTombstone:
		return Entries{Tombstones: []Tombstone{r.Tombstone}}
	default:
		return Entries{}
	}
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
