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

// heroPrint returns the fingerprint of the hero in a slot.
func (s *State) heroPrint(slot *heroSlot) Fingerprint {
	var buf [1 + HeroBytesMax]byte
	return sha256.Sum256(s.appendHero(append(buf[:0], byte(KindHero)), slot))
}

// printAt returns the fingerprint of the record there, zero for none.
func (s *State) printAt(r ref) Fingerprint {
	switch r.kind() {
	case KindHero:
		return s.heroPrint(s.heroes.at(r.at()))
	case KindTombstone:
		return s.tombstones.at(r.at()).Fingerprint()
	default:
		return Fingerprint{}
	}
}
