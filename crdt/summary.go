package crdt

import (
	"encoding/binary"
	"encoding/hex"
)

// Summary is what replicas compare: those that hold the same entries have equal
// summaries. Of entries that nobody made for the purpose the reverse holds as well: two
// states that differ have equal summaries with a probability of 2^-128.
//
// It does not hold against one who makes entries up. A digest is a sum, and entries whose
// sums are equal can be searched for much faster than a collision of SHA-256: by a
// generalized birthday search (D. Wagner, CRYPTO 2002), which for two sets of k/2 entries
// takes about k·2^(128/(1+log₂k)) hashes and as much memory a list. That is some 2^30
// hashes for two sets of 8, and 2^23 for two of 64: crdttest/findsums finds these in four
// seconds. Replicas that must notice compare otherwise now and then, with a salt
// (package internal/reconcile, audits).
type Summary struct {
	Heroes     uint64 // living heroes
	Tombstones uint64 // dead ones
	Digest     Digest // over both
}

// SummaryOf returns the summary of a state that holds one record alone.
func SummaryOf(r Record) (s Summary) {
	s.count(r.Kind, 1)
	if r.Kind != KindNone {
		s.Digest.Add(r.Fingerprint())
	}
	return s
}

// Plus returns the summary of two sets of entries that have none in common. Counts and
// digests are added modulo 2^64, so Plus and [Summary.Minus] may come in any order.
func (s Summary) Plus(other Summary) Summary {
	s.Heroes += other.Heroes
	s.Tombstones += other.Tombstones
	s.Digest.add(other.Digest)
	return s
}

// Minus returns the summary of a set without the entries of another.
func (s Summary) Minus(other Summary) Summary {
	s.Heroes -= other.Heroes
	s.Tombstones -= other.Tombstones
	s.Digest.remove(other.Digest)
	return s
}

func (s *Summary) add(m mark) {
	s.count(m.ref.kind(), 1)
	if m.ref != none {
		s.Digest.Add(m.fingerprint)
	}
}

func (s *Summary) remove(m mark) {
	s.count(m.ref.kind(), ^uint64(0)) // minus one
	if m.ref != none {
		s.Digest.Remove(m.fingerprint)
	}
}

func (s *Summary) count(k Kind, n uint64) {
	switch k {
	case KindHero:
		s.Heroes += n
	case KindTombstone:
		s.Tombstones += n
	}
}

// Digest stands for a set of entries, in any order: bytes 0–7 and 8–15 of their
// fingerprints as little-endian integers, each summed modulo 2^64, written back
// little-endian. The digest of the empty set is zero. It tells honest replicas
// apart; it is no proof against one who searches for equal sums, see [Summary].
type Digest [16]byte

// Add puts an entry's fingerprint in.
func (d *Digest) Add(f Fingerprint) { d.add(Digest(f[:len(d)])) }

// Remove takes out the fingerprint of an entry that is in.
func (d *Digest) Remove(f Fingerprint) { d.remove(Digest(f[:len(d)])) }

func (d *Digest) add(other Digest) {
	for lane := 0; lane < len(d); lane += 8 {
		sum := binary.LittleEndian.Uint64(d[lane:]) + binary.LittleEndian.Uint64(other[lane:])
		binary.LittleEndian.PutUint64(d[lane:], sum)
	}
}

func (d *Digest) remove(other Digest) {
	for lane := 0; lane < len(d); lane += 8 {
		rest := binary.LittleEndian.Uint64(d[lane:]) - binary.LittleEndian.Uint64(other[lane:])
		binary.LittleEndian.PutUint64(d[lane:], rest)
	}
}

// String returns 32 hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the hex digits, so that JSON and logs show them.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
