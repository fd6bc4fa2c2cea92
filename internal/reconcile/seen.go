package reconcile

import (
	"bytes"
	"slices"

	"github.com/citynode/citynode/crdt"
)

// seen is the set of entries that the other side sent, 16 bytes each: what it
// sent need not be pushed back. It is filled, then sealed, then asked.
//
// The bytes are the half of the fingerprint that is not in the digest. An entry
// that collides with another one would not be pushed; at 128 bits nobody can
// make such a pair.
type seen struct{ marks []mark }

type mark [16]byte

func markOf(f crdt.Fingerprint) mark { return mark(f[16:]) }

func (s *seen) add(e crdt.Entries) {
	for _, t := range e.Tombstones {
		s.marks = append(s.marks, markOf(t.Fingerprint()))
	}
	for _, h := range e.Heroes {
		s.marks = append(s.marks, markOf(h.Fingerprint()))
	}
}

func (s *seen) seal() {
	slices.SortFunc(s.marks, compareMarks)
}

func (s *seen) has(f crdt.Fingerprint) bool {
	_, found := slices.BinarySearchFunc(s.marks, markOf(f), compareMarks)
	return found
}

func compareMarks(a, b mark) int { return bytes.Compare(a[:], b[:]) }

// lacking appends to batch what is in e and not in the set, and gives the
// bytes that it takes.
func (s *seen) lacking(batch *crdt.Entries, e crdt.Entries) (size int) {
	for _, t := range e.Tombstones {
		if !s.has(t.Fingerprint()) {
			batch.Tombstones = append(batch.Tombstones, t)
			size += crdt.TombstoneSize(t)
		}
	}
	for _, h := range e.Heroes {
		if !s.has(h.Fingerprint()) {
			batch.Heroes = append(batch.Heroes, h)
			size += crdt.HeroSize(h)
		}
	}
	return size
}
