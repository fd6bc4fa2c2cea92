package crdt

import (
	"encoding/binary"
	"slices"

	"github.com/citynode/citynode/internal/cbor"
)

// Numbers of fields, and keys of maps, in the wire form.
const (
	heroFields      = 8
	tombstoneFields = 4

	keyHeroes     = 1 // in entries and in a summary
	keyTombstones = 2 // in entries and in a summary
	keyDigest     = 3
	summaryFields = 3
)

// Sizes of encodings in bytes.
const (
	idItemBytes       = 1 + idBytes
	versionBytesMax   = 3 * cbor.HeadBytesMax
	versionBytesMin   = 3
	heroBytesMin      = 1 + idItemBytes + 2 + 2 + 1 + 1 + versionBytesMin
	tombstoneBytesMin = 1 + idItemBytes + versionBytesMin

	// HeroBytesMax is the size of the longest valid hero.
	HeroBytesMax = 1 + idItemBytes + (2 + NameBytesMax) + (2 + CityNameBytesMax) + 2 + 1 + versionBytesMax
	// TombstoneBytesMax is the size of the longest tombstone.
	TombstoneBytesMax = 1 + idItemBytes + versionBytesMax
	// EntriesOverheadMax is what the encoding of entries takes besides them:
	// the map's head, and for each of the two arrays a key and a head (which
	// is 5 bytes for up to 2^32 entries).
	EntriesOverheadMax = 1 + 2*(1+5)
)

// AppendHero appends the canonical encoding of h. It does not validate.
func AppendHero(dst []byte, h Hero) []byte {
	// The compiler sees that the name is only read, and does not copy it.
	return appendHero(dst, &h.ID, []byte(h.Name), h.Location, h.Health, h.Patrolling, &h.Version)
}

// appendHero appends the canonical encoding of the hero in a slot.
func (s *State) appendHero(dst []byte, slot *heroSlot) []byte {
	return appendHero(dst, &slot.id, s.nameOf(slot), s.locationOf(slot), slot.health, slot.patrolling, &slot.version)
}

// appendHero appends the canonical encoding of a hero. With room for the longest
// hero it writes at fixed positions, which the compiler checks once. Where dst has
// less room than that, but enough for this hero, it goes item by item and spares
// dst a growth.
func appendHero(
	dst []byte, id *ID, name []byte, location string, health uint8, patrolling bool, v *Version,
) []byte {
	n := len(dst)
	if room := cap(dst) - n; room < HeroBytesMax || len(name) > NameBytesMax || len(location) > CityNameBytesMax {
		if size := heroSize(len(name), len(location), health, v); size <= room || size > HeroBytesMax {
			return growHero(dst, id, string(name), location, health, patrolling, v)
		}
		dst = slices.Grow(dst, HeroBytesMax)
	}
	b := (*[HeroBytesMax]byte)(dst[n : n+HeroBytesMax])
	b[0], b[1] = byte(cbor.Array)|heroFields, byte(cbor.Bytes)|idBytes
	copy(b[2:], id[:])
	at := putSmall(b, 1+idItemBytes, cbor.Text, uint8(len(name)))
	at += copy(b[at:], name)
	at = putSmall(b, at, cbor.Text, uint8(len(location)))
	at += copy(b[at:], location)
	at = putSmall(b, at, cbor.Uint, health)
	b[at] = cbor.Bool(patrolling)
	at = putUint(b, at+1, uint64(v.Assigned))
	at = putUint(b, at, uint64(v.Replica))
	at = putUint(b, at, uint64(v.HLC))
	return dst[:n+at]
}

// growHero is appendHero item by item, for the end of a buffer and for heroes
// that are not valid.
func growHero(dst []byte, id *ID, name, location string, health uint8, patrolling bool, v *Version) []byte {
	dst = cbor.AppendHead(dst, cbor.Array, heroFields)
	dst = cbor.AppendBytes(dst, id[:])
	dst = cbor.AppendText(dst, name)
	dst = cbor.AppendText(dst, location)
	dst = cbor.AppendUint(dst, uint64(health))
	return appendVersion(cbor.AppendBool(dst, patrolling), *v)
}

// AppendTombstone appends the canonical encoding of t. It does not validate.
func AppendTombstone(dst []byte, t Tombstone) []byte {
	dst = cbor.AppendHead(dst, cbor.Array, tombstoneFields)
	dst = cbor.AppendBytes(dst, t.ID[:])
	return appendVersion(dst, t.Version)
}

// AppendEntries appends the canonical encoding of e; keys 1 and 2 are present
// if and only if the slices are not nil. It does not validate.
func AppendEntries(dst []byte, e Entries) []byte {
	dst = appendEntriesHead(dst, e.Heroes != nil, e.Tombstones != nil)
	if e.Heroes != nil {
		dst = append(dst, keyHeroes)
		dst = cbor.AppendHead(dst, cbor.Array, uint64(len(e.Heroes)))
		for i := range e.Heroes {
			h := &e.Heroes[i]
			dst = appendHero(dst, &h.ID, []byte(h.Name), h.Location, h.Health, h.Patrolling, &h.Version)
		}
	}
	if e.Tombstones != nil {
		dst = append(dst, keyTombstones)
		dst = cbor.AppendHead(dst, cbor.Array, uint64(len(e.Tombstones)))
		for _, t := range e.Tombstones {
			dst = AppendTombstone(dst, t)
		}
	}
	return dst
}

func appendEntriesHead(dst []byte, heroes, tombstones bool) []byte {
	var keys uint64
	for _, present := range [...]bool{heroes, tombstones} {
		if present {
			keys++
		}
	}
	return cbor.AppendHead(dst, cbor.Map, keys)
}

// HeroSize returns the length of h's canonical encoding in bytes.
func HeroSize(h Hero) int {
	return heroSize(len(h.Name), len(h.Location), h.Health, &h.Version)
}

// heroSize returns HeroSize of the hero in a slot.
func (s *State) heroSize(slot *heroSlot) int {
	return heroSize(int(slot.nameBytes), len(s.locationOf(slot)), slot.health, &slot.version)
}

func heroSize(name, location int, health uint8, v *Version) int {
	return 1 + idItemBytes +
		cbor.HeadSize(uint64(name)) + name +
		cbor.HeadSize(uint64(location)) + location +
		cbor.HeadSize(uint64(health)) + 1 + versionSize(*v)
}

// TombstoneSize returns the length of t's canonical encoding in bytes.
func TombstoneSize(t Tombstone) int { return 1 + idItemBytes + versionSize(t.Version) }

// EntriesSize returns the length of the canonical encoding of e in bytes.
func EntriesSize(e Entries) int {
	size := 1
	if e.Heroes != nil {
		size += 1 + cbor.HeadSize(uint64(len(e.Heroes)))
	}
	for i := range e.Heroes {
		size += HeroSize(e.Heroes[i])
	}
	if e.Tombstones != nil {
		size += 1 + cbor.HeadSize(uint64(len(e.Tombstones)))
	}
	for _, t := range e.Tombstones {
		size += TombstoneSize(t)
	}
	return size
}

// MarshalCBOR returns the canonical encoding. The error is always nil.
func (h Hero) MarshalCBOR() ([]byte, error) {
	return AppendHero(make([]byte, 0, HeroSize(h)), h), nil
}

// MarshalCBOR returns the canonical encoding. The error is always nil.
func (t Tombstone) MarshalCBOR() ([]byte, error) {
	return AppendTombstone(make([]byte, 0, TombstoneSize(t)), t), nil
}

// MarshalCBOR returns the canonical encoding. The error is always nil.
func (e Entries) MarshalCBOR() ([]byte, error) {
	return AppendEntries(make([]byte, 0, EntriesSize(e)), e), nil
}

// AppendSummary appends the canonical encoding of s.
func AppendSummary(dst []byte, s Summary) []byte {
	dst = cbor.AppendHead(dst, cbor.Map, summaryFields)
	dst = cbor.AppendUint(append(dst, keyHeroes), s.Heroes)
	dst = cbor.AppendUint(append(dst, keyTombstones), s.Tombstones)
	return cbor.AppendBytes(append(dst, keyDigest), s.Digest[:])
}

// MarshalCBOR returns the canonical encoding. The error is always nil.
func (s Summary) MarshalCBOR() ([]byte, error) { return AppendSummary(nil, s), nil }

// MarshalCBOR returns a byte string of 16 bytes. The error is always nil.
func (id ID) MarshalCBOR() ([]byte, error) { return cbor.AppendBytes(nil, id[:]), nil }

// MarshalCBOR returns a byte string of 16 bytes. The error is always nil.
func (d Digest) MarshalCBOR() ([]byte, error) { return cbor.AppendBytes(nil, d[:]), nil }

func appendVersion(dst []byte, v Version) []byte {
	dst = cbor.AppendUint(dst, uint64(v.Assigned))
	dst = cbor.AppendUint(dst, uint64(v.Replica))
	return cbor.AppendUint(dst, uint64(v.HLC))
}

func versionSize(v Version) int {
	return cbor.HeadSize(uint64(v.Assigned)) + cbor.HeadSize(uint64(v.Replica)) + cbor.HeadSize(uint64(v.HLC))
}

// putSmall is [cbor.AppendHead] at a position of a buffer that has room, for arguments
// of a byte. It returns the position after the head.
func putSmall(b *[HeroBytesMax]byte, at int, m cbor.Major, n byte) int {
	if n < 24 {
		b[at] = byte(m) | n
		return at + 1
	}
	b[at], b[at+1] = byte(m)|24, n
	return at + 2
}

// putUint is putSmall for unsigned integers of any size. Most are stamps, and
// take all eight bytes.
func putUint(b *[HeroBytesMax]byte, at int, n uint64) int {
	if n < 1<<32 {
		return at + len(cbor.AppendHead(b[at:at], cbor.Uint, n))
	}
	b[at] = byte(cbor.Uint) | 27
	binary.BigEndian.PutUint64(b[at+1:], n)
	return at + cbor.HeadBytesMax
}
