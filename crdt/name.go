package crdt

import (
	"strings"
	"unicode/utf8"
)

const (
	// Home is the location of a hero that no city has; no city may be called so.
	Home = "home"

	// NameBytesMax bounds a hero's name, in bytes of UTF-8.
	NameBytesMax = 64

	// CityNameBytesMax bounds a city's name: a DNS label (RFC 1035 §2.3.4).
	CityNameBytesMax = 63
)

// forbiddenInNames are the code points that no hero's name holds: controls, what is invisible
// (Default_Ignorable_Code_Point), what turns the direction of text, ends a line, or annotates
// another. Of the invisible ones some are allowed where they make an emoji or an ideograph
// what it is; see emoji.go. The list is frozen in wire version 1 and is not derived from
// Unicode's tables, whose next edition would otherwise make replicas built apart disagree
// about what is malformed.
var forbiddenInNames = [...]runeRange{
	{0x0000, 0x001F},
	{0x007F, 0x009F},
	{0x00AD, 0x00AD},
	{0x034F, 0x034F},
	{0x061C, 0x061C},
	{0x115F, 0x1160},
	{0x17B4, 0x17B5},
	{0x180B, 0x180F},
	{0x200B, 0x200F},
	{0x2028, 0x202E},
	{0x2060, 0x206F},
	{0x3164, 0x3164},
	{0xFE00, 0xFE0F},
	{0xFEFF, 0xFEFF},
	{0xFFA0, 0xFFA0},
	{0xFFF0, 0xFFFB},
	{0x1BCA0, 0x1BCA3},
	{0x1D173, 0x1D17A},
	{0xE0000, 0xE0FFF},
}

// ValidateHeroName checks that a name is 1–64 bytes of valid UTF-8, is not only spaces
// (U+0020), and holds none of the frozen list of forbidden code points, but for those that
// emoji sequences and shapes of ideographs need, each where it stands in one:
//
//   - U+200D between two pictographs, of which the first may have a skin tone or U+FE0F;
//   - U+FE0F after a pictograph, and between 0–9, # or * and U+20E3;
//   - the tags of England, Scotland and Wales after U+1F3F4;
//   - U+E0100–E01EF after an ideograph.
//
// It takes one walk over the name, and allocates nothing for one that is valid. The error is
// an *[InvalidError] that names the code point.
func ValidateHeroName(name string) error {
	if len(name) == 0 {
		return invalid("name", "empty")
	}
	if len(name) > NameBytesMax {
		return invalid("name", "%d bytes, at most %d", len(name), NameBytesMax)
	}
	if isPlain(name) {
		return nil
	}
	context := afterOther
	for at := 0; at < len(name); {
		r, size := utf8.DecodeRuneInString(name[at:])
		if r == utf8.RuneError && size == 1 {
			return invalid("name", "byte %#02x at position %d is not UTF-8", name[at], at)
		}
		after, used, ok := context.next(r, name[at:])
		if !ok {
			return invalid("name", "code point %U at position %d is not allowed there", r, at)
		}
		context = after
		at += used
	}
	if context.open() {
		return invalid("name", "an emoji sequence at its end is not whole")
	}
	if strings.Trim(name, " ") == "" {
		return invalid("name", "only spaces (U+0020)")
	}
	return nil
}

// isPlain reports whether a name is printable ASCII and not only spaces, as most
// are.
func isPlain(name string) bool {
	var ink byte
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c > '~' {
			return false
		}
		ink |= c ^ ' '
	}
	return ink != 0
}

func forbiddenInName(r rune) bool { return inRanges(forbiddenInNames[:], r) }

// ValidateCityName checks that a name is a DNS label,
// [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?, and not "home". The error is an
// *[InvalidError].
func ValidateCityName(name string) error {
	if name == Home {
		return invalid("city", "%q is reserved", Home)
	}
	return validateLabel("city", name)
}

// ValidateLocation checks that a location is a city's name or "home". The
// error is an *[InvalidError].
func ValidateLocation(location string) error {
	return validateLabel("location", location) // "home" is a label
}

func validateLabel(field, label string) error {
	if len(label) == 0 {
		return invalid(field, "empty")
	}
	if len(label) > CityNameBytesMax {
		return invalid(field, "%d bytes, at most %d", len(label), CityNameBytesMax)
	}
	for i := range len(label) {
		if c := label[i]; !isLabelByte(c) {
			return invalid(field, "byte %q at position %d, want a–z, 0–9 or a hyphen", c, i)
		}
	}
	if label[0] == '-' || label[len(label)-1] == '-' {
		return invalid(field, "%q starts or ends with a hyphen", label)
	}
	return nil
}

func isLabelByte(c byte) bool { return labelBytes[c] }

var labelBytes = func() (is [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyz0123456789-") {
		is[c] = true
	}
	return is
}()
