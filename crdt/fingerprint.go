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
	var buf [1 + HeroBytesMax]byte // on the stack: this runs twice a write
	return sha256.Sum256(AppendHero(append(buf[:0], byte(KindHero)), h))
}

// Fingerprint returns the fingerprint of the tombstone.
func (t Tombstone) Fingerprint() Fingerprint {
	var buf [1 + TombstoneBytesMax]byte
	return sha256.Sum256(AppendTombstone(append(buf[:0], byte(KindTombstone)), t))
}

// Symbol returns bytes 16–23 as a little-endian integer.
func (f Fingerprint) Symbol() uint64 { return binary.LittleEndian.Uint64(f[16:]) }
