package crdt

import "fmt"

// Entries is a set of entries to be merged: a delta, a page, a batch. Any
// subset of a state's entries is valid to send. The same ID may occur more
// than once. Nil and empty slices encode differently (absent, empty array).
type Entries struct {
	Heroes     []Hero
	Tombstones []Tombstone
}

// Len returns the number of entries.
func (e Entries) Len() int { return len(e.Heroes) + len(e.Tombstones) }

// Add adds what a record holds: a hero, a tombstone or nothing.
func (e *Entries) Add(r Record) {
	switch r.Kind {
	case KindHero:
		e.Heroes = append(e.Heroes, r.Hero)
	case KindTombstone:
		e.Tombstones = append(e.Tombstones, r.Tombstone)
	}
}

// Append adds all entries of another set. Both share the memory of its strings.
func (e *Entries) Append(other Entries) {
	e.Heroes = append(e.Heroes, other.Heroes...)
	e.Tombstones = append(e.Tombstones, other.Tombstones...)
}

// Validate returns an error for the first entry that breaks a rule, naming the
// entry; it wraps an *[InvalidError]. What a decoder returned is valid.
func (e Entries) Validate() error {
	for i, h := range e.Heroes {
		if err := h.Validate(); err != nil {
			return fmt.Errorf("%s: %w", entryName(KindHero, i), err)
		}
	}
	for i, t := range e.Tombstones {
		if err := t.Validate(); err != nil {
			return fmt.Errorf("%s: %w", entryName(KindTombstone, i), err)
		}
	}
	return nil
}
