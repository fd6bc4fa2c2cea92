package crdt

import (
	"bytes"
	"encoding/hex"
)

const (
	idBytes    = 16
	idTextSize = 36 // 32 hex digits and 4 hyphens
)

// ID is the identity of a hero for ever: the 16 bytes of a UUID of any version.
type ID [idBytes]byte

// idGroups are the runs of hex digits in the text form of a UUID (RFC 9562
// §4), as positions in the 36 characters; a hyphen stands between two groups.
var idGroups = [...]struct{ start, end int }{{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, 36}}

// ParseID reads the text form of a UUID, 8-4-4-4-12 hex digits in either case.
// Any other form, also braces and a "urn:uuid:" prefix, is an *[InvalidError].
func ParseID(s string) (ID, error) {
	if len(s) != idTextSize {
		return ID{}, invalid("id", "%d bytes of text, want the %d of a UUID", len(s), idTextSize)
	}
	var id ID
	n := 0
	for _, g := range idGroups {
		if g.end < idTextSize && s[g.end] != '-' {
			return ID{}, invalid("id", "%q at position %d, want a hyphen", s[g.end], g.end)
		}
		m, err := hex.Decode(id[n:], []byte(s[g.start:g.end]))
		if err != nil {
			return ID{}, invalid("id", "not hex digits: %q", s[g.start:g.end])
		}
		n += m
	}
	return id, nil
}

// String returns the text form of the UUID in lower case.
func (id ID) String() string {
	var text [idTextSize]byte
	n := 0
	for _, g := range idGroups {
		size := (g.end - g.start) / 2
		hex.Encode(text[g.start:g.end], id[n:n+size])
		n += size
		if g.end < idTextSize {
			text[g.end] = '-'
		}
	}
	return string(text[:])
}

// Compare orders IDs by their bytes, which is also the order of their texts.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// IsZero reports whether all bytes are zero: the nil UUID, which callers use
// for "no ID". On the wire it is an ID like any other.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText returns the text form, so that JSON and logs show it.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what [ParseID] reads.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
