package crdt

import (
	"encoding/binary"

	"github.com/citynode/citynode/internal/cbor"
)

// fastHero reads a hero that is as nearly all are, straight from the bytes. Where
// anything is unusual it returns false and has read nothing, and the caller has
// decoder.hero find out what it is. So fastHero must accept nothing that hero does
// not accept, and may accept less. location is a valid location, whose string is
// shared where it is the hero's own.
func (d *decoder) fastHero(h *Hero, location string) bool {
	b := d.Rest()
	if len(b) < heroBytesMin || b[0] != byte(cbor.Array)|heroFields || b[1] != byte(cbor.Bytes)|idBytes {
		return false
	}
	copy(h.ID[:], b[2:])
	name, nameEnd := fastText(b, 1+idItemBytes)
	place, end := fastText(b, nameEnd)
	if nameEnd == 0 || end == 0 {
		return false
	}
	health, at := fastHealth(b, end)
	if b[at]&^1 != cbor.False {
		return false
	}
	h.Health, h.Patrolling = health, b[at] == cbor.True
	at = fastVersion(&h.Version, b, at+1)
	if at == 0 {
		return false
	}
	text := d.inputText()[d.At():]
	h.Name, h.Location = text[name:nameEnd], location
	if text[place:end] != location {
		h.Location = text[place:end]
		if ValidateLocation(h.Location) != nil {
			return false
		}
	}
	if health-HealthMin > HealthMax-HealthMin || h.Patrolling && h.Location == Home ||
		h.Version.Assigned > h.Version.HLC || ValidateHeroName(h.Name) != nil {
		return false
	}
	d.Advance(at)
	return true
}

// fastTombstone does for a tombstone what fastHero does for a hero.
func (d *decoder) fastTombstone(t *Tombstone) bool {
	b := d.Rest()
	if len(b) < tombstoneBytesMin || b[0] != byte(cbor.Array)|tombstoneFields || b[1] != byte(cbor.Bytes)|idBytes {
		return false
	}
	copy(t.ID[:], b[2:])
	at := fastVersion(&t.Version, b, 1+idItemBytes)
	if at == 0 || t.Version.Assigned > t.Version.HLC {
		return false
	}
	d.Advance(at)
	return true
}

// fastSummary does so for a summary in its canonical form; decoder.summary takes
// other forms too.
func (d *decoder) fastSummary(s *Summary) bool {
	b := d.Rest()
	if len(b) < 2 || b[0] != byte(cbor.Map)|summaryFields || b[1] != keyHeroes {
		return false
	}
	heroes, at := fastUint(b, 2)
	if at == 0 || at == len(b) || b[at] != keyTombstones {
		return false
	}
	tombstones, at := fastUint(b, at+1)
	if at == 0 || len(b)-at < 2+len(s.Digest) || b[at] != keyDigest || b[at+1] != byte(cbor.Bytes)|byte(len(s.Digest)) {
		return false
	}
	s.Heroes, s.Tombstones = heroes, tombstones
	at += 2 + copy(s.Digest[:], b[at+2:])
	d.Advance(at)
	return true
}

// fastText returns where a text lies in b whose head is at a position, and 0,
// 0 for what is no text of a canonical hero. After the text, b has at least
// what must follow a hero's location, so that the next head can be looked at.
func fastText(b []byte, at int) (start, end int) {
	n := int(b[at] ^ byte(cbor.Text))
	start = at + 1
	if n >= 24 {
		if n != 24 || b[start] < 24 || b[start] > NameBytesMax {
			return 0, 0
		}
		n = int(b[start])
		start++
	}
	end = start + n
	if end+2+1+versionBytesMin > len(b) {
		return 0, 0
	}
	return start, end
}

// fastHealth returns the health at a position and the position after it. The
// health is 0 where no health is encoded.
func fastHealth(b []byte, at int) (health uint8, next int) {
	switch first := b[at]; {
	case first < 24:
		return first, at + 1
	case first == 24 && b[at+1] >= 24:
		return b[at+1], at + 2
	default:
		return 0, at + 1
	}
}

// fastVersion returns the position after the version, 0 for what is none.
// Mostly its three numbers are of eight bytes.
func fastVersion(v *Version, b []byte, at int) int {
	if part := b[at:]; len(part) >= versionBytesMax {
		part = part[:versionBytesMax]
		assigned := binary.BigEndian.Uint64(part[1:])
		replica := binary.BigEndian.Uint64(part[1+cbor.HeadBytesMax:])
		hlc := binary.BigEndian.Uint64(part[1+2*cbor.HeadBytesMax:])
		heads := part[0] == 27 && part[cbor.HeadBytesMax] == 27 && part[2*cbor.HeadBytesMax] == 27
		if heads && min(assigned, replica, hlc) >= 1<<32 {
			*v = Version{Assigned: Stamp(assigned), Replica: ReplicaID(replica), HLC: Stamp(hlc)}
			return at + versionBytesMax
		}
	}
	assigned, at := fastUint(b, at)
	replica, at := fastUint(b, at)
	hlc, at := fastUint(b, at)
	*v = Version{Assigned: Stamp(assigned), Replica: ReplicaID(replica), HLC: Stamp(hlc)}
	return at
}

// fastUint returns the number at a position and the position after it, and 0
// for both at position 0 or where none is encoded as one must be.
func fastUint(b []byte, at int) (n uint64, next int) {
	if at == 0 {
		return 0, 0
	}
	first, n, next := cbor.Head(b, at)
	if next == 0 || cbor.MajorOf(first) != cbor.Uint || next-at != cbor.HeadSize(n) {
		return 0, 0
	}
	return n, next
}
