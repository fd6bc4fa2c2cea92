package crdt

import (
	"encoding/binary"
	"encoding/hex"
)

// Summary is what replicas compare: they hold the same entries if and only if,
// but for collisions of SHA-256, their summaries are equal.
type Summary struct {
	Heroes     uint64 // living heroes
	Tombstones uint64 // dead ones
	Digest     Digest // over both
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
// apart; it is no proof against one who searches for collisions.
type Digest [16]byte

// Add puts an entry's fingerprint in.
func (d *Digest) Add(f Fingerprint) {
	for lane := 0; lane < len(d); lane += 8 {
		sum := binary.LittleEndian.Uint64(d[lane:]) + binary.LittleEndian.Uint64(f[lane:])
		binary.LittleEndian.PutUint64(d[lane:], sum)
	}
}

// Remove takes out the fingerprint of an entry that is in.
func (d *Digest) Remove(f Fingerprint) {
	for lane := 0; lane < len(d); lane += 8 {
		rest := binary.LittleEndian.Uint64(d[lane:]) - binary.LittleEndian.Uint64(f[lane:])
		binary.LittleEndian.PutUint64(d[lane:], rest)
	}
}

// String returns 32 hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the hex digits, so that JSON and logs show them.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
