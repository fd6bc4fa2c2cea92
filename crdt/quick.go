package crdt

import "encoding/binary"

// quickHero reads a hero that is as nearly all are, straight from the bytes.
// Where anything is unusual it reports false and has read nothing, and hero
// finds out what; so it must accept no more than that does, and may accept less.
// location is known to be a valid one.
func (r *reader) quickHero(h *Hero, location string) bool {
	b := r.b[r.at:]
	if len(b) < heroBytesMin || b[0] != majorArray|heroFields || b[1] != majorBytes|idBytes {
		return false
	}
	copy(h.ID[:], b[2:])
	name, nameEnd := quickText(b, 1+idItemBytes)
	place, end := quickText(b, nameEnd)
	if nameEnd == 0 || end == 0 {
		return false
	}
	health, at := quickHealth(b, end)
	if b[at]&^1 != simpleFalse {
		return false
	}
	h.Health, h.Patrolling = health, b[at] == simpleTrue
	at = quickVersion(&h.Version, b, at+1)
	if at == 0 {
		return false
	}
	text := r.text()[r.at:]
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
	r.at += at
	return true
}

// quickTombstone is quickHero for a tombstone.
func (r *reader) quickTombstone(t *Tombstone) bool {
	b := r.b[r.at:]
	if len(b) < tombstoneBytesMin || b[0] != majorArray|tombstoneFields || b[1] != majorBytes|idBytes {
		return false
	}
	copy(t.ID[:], b[2:])
	at := quickVersion(&t.Version, b, 1+idItemBytes)
	if at == 0 || t.Version.Assigned > t.Version.HLC {
		return false
	}
	r.at += at
	return true
}

// quickText returns where a text lies in b whose head is at a position, and 0,
// 0 for what is no text of a canonical hero. After the text, b has at least
// what must follow a hero's location, so that the next head can be looked at.
func quickText(b []byte, at int) (start, end int) {
	n := int(b[at] ^ majorText)
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

// quickHealth returns the health at a position and the position after it. The
// health is 0 for what is none.
func quickHealth(b []byte, at int) (health uint8, next int) {
	switch first := b[at]; {
	case first < 24:
		return first, at + 1
	case first == 24 && b[at+1] >= 24:
		return b[at+1], at + 2
	default:
		return 0, at + 1
	}
}

// quickVersion returns the position after the version, 0 for what is none.
// Mostly its three numbers are of eight bytes.
func quickVersion(v *Version, b []byte, at int) int {
	if part := b[at:]; len(part) >= versionBytesMax {
		part = part[:versionBytesMax]
		assigned := binary.BigEndian.Uint64(part[1:])
		replica := binary.BigEndian.Uint64(part[1+headBytesMax:])
		hlc := binary.BigEndian.Uint64(part[1+2*headBytesMax:])
		heads := part[0] == 27 && part[headBytesMax] == 27 && part[2*headBytesMax] == 27
		if heads && min(assigned, replica, hlc) >= 1<<32 {
			*v = Version{Assigned: Stamp(assigned), Replica: ReplicaID(replica), HLC: Stamp(hlc)}
			return at + versionBytesMax
		}
	}
	assigned, at := quickUint(b, at)
	replica, at := quickUint(b, at)
	hlc, at := quickUint(b, at)
	*v = Version{Assigned: Stamp(assigned), Replica: ReplicaID(replica), HLC: Stamp(hlc)}
	return at
}

// quickUint returns the number at a position and the position after it, and 0
// for both at position 0 or where none is encoded as one must be.
func quickUint(b []byte, at int) (n uint64, next int) {
	if at == 0 || at >= len(b) {
		return 0, 0
	}
	first := b[at]
	if first < 24 {
		return uint64(first), at + 1
	}
	if first == 27 && len(b)-at >= headBytesMax {
		if n = binary.BigEndian.Uint64(b[at+1:]); n>>32 != 0 {
			return n, at + headBytesMax
		}
		return 0, 0
	}
	return quickShort(b, at)
}

// quickShort is quickUint for a number of one, two or four bytes.
func quickShort(b []byte, at int) (n uint64, next int) {
	size := 1 << (b[at] & 3)
	if b[at] > 26 || len(b)-at <= size {
		return 0, 0
	}
	for _, c := range b[at+1 : at+1+size] {
		n = n<<8 | uint64(c)
	}
	if headSize(n) != 1+size {
		return 0, 0
	}
	return n, at + 1 + size
}
