package crdt

import (
	"crypto/sha256"
	"encoding/binary"
)

// Fingerprint stands for one entry: the SHA-256 of its kind byte (1 hero, 2
// tombstone) and its canonical encoding. Bytes 0–15 go into the [Digest],
// bytes 16–23 are the entry's symbol in a reconciliation sketch.
type Fingerprint [sha256.Size]byte

// Fingerprint returns the fingerprint of this version of the hero.
func (h Hero) Fingerprint() Fingerprint {
	var buf [1 + HeroBytesMax]byte // on the stack: this runs on every write
	return sha256.Sum256(AppendHero(append(buf[:0], byte(KindHero)), h))
}

// Fingerprint returns the fingerprint of the tombstone.
func (t Tombstone) Fingerprint() Fingerprint {
	var buf [1 + TombstoneBytesMax]byte
	return sha256.Sum256(AppendTombstone(append(buf[:0], byte(KindTombstone)), t))
}

// Symbol returns bytes 16–23 as a little-endian integer.
func (f Fingerprint) Symbol() uint64 { return binary.LittleEndian.Uint64(f[16:]) }

// A shortFingerprint is the part of a fingerprint that digest and symbol are made
// of. Each entry keeps its own: to work it out again whenever the entry is
// overwritten takes longer than all else that a write does.
type shortFingerprint [24]byte

func (f Fingerprint) short() shortFingerprint { return shortFingerprint(f[:]) }

// fingerprint returns the fingerprint without its last bytes.
func (p shortFingerprint) fingerprint() (f Fingerprint) {
	copy(f[:], p[:])
	return f
}

func (p *shortFingerprint) symbol() uint64 { return binary.LittleEndian.Uint64(p[16:]) }

// fingerprintAt returns where the fingerprint of a record is.
func (s *State) fingerprintAt(r ref) *shortFingerprint {
	if r.kind() == KindHero {
		return &s.heroes.At(r.at()).fingerprint
	}
	return &s.tombstones.At(r.at()).fingerprint
}
