package cbor

import "encoding/binary"

// Major is the major type of an item (RFC 8949 §3.1), in the place that it has
// in the item's first byte.
type Major byte

// The major types.
const (
	Uint     Major = iota << 5
	Negative       // integers below zero
	Bytes
	Text
	Array
	Map
	Tag
	Simple // simple values, floats, and the break of an indefinite length
)

// The simple values that the wire has, in their one byte (RFC 8949 §3.3).
const (
	False = byte(Simple) | simpleFalse
	True  = byte(Simple) | simpleTrue
	Null  = byte(Simple) | simpleNull
)

const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
	// simpleTwoBytesMin is the least simple value that takes two bytes.
	simpleTwoBytesMin = 32
)

// The five low bits of a first byte (RFC 8949 §3): up to 23 they are the
// argument; these four say how many bytes of argument follow.
const (
	infoMask       = 31
	infoOneByte    = 24
	infoTwoBytes   = 25
	infoFourBytes  = 26
	infoEightBytes = 27
	infoIndefinite = 31

	breakByte = byte(Simple) | infoIndefinite
)

// HeadBytesMax is the size of the longest head: a first byte and an argument of
// eight.
const HeadBytesMax = 9

// String returns the type's name, for messages.
func (m Major) String() string {
	return [...]string{
		"uint", "negative", "bytes", "text", "array", "map", "tag", "simple",
	}[m>>5]
}

// MajorOf returns the major type that an item with this first byte has.
func MajorOf(first byte) Major { return Major(first &^ infoMask) }

// Head reads the head at b[at]: the item's first byte, its argument, and the
// position after the head. next is 0 if b ends before the head does, and if the
// first byte says an indefinite length or is reserved. The argument may be
// longer than its shortest form; compare [HeadSize] where that matters.
func Head(b []byte, at int) (first byte, arg uint64, next int) {
	if at >= len(b) {
		return 0, 0, 0
	}
	arg, next = argument(b, at)
	return b[at], arg, next
}

// argument reads an argument as [Head] does, where there is a first byte. It stands apart
// so that the compiler inlines Head.
func argument(b []byte, at int) (arg uint64, next int) {
	if info := b[at] & infoMask; info < infoOneByte {
		return uint64(info), at + 1
	}
	return longArgument(b, at)
}

// longArgument reads an argument that follows its first byte.
func longArgument(b []byte, at int) (arg uint64, next int) {
	rest := b[at+1:]
	switch info := b[at] & infoMask; {
	case info == infoOneByte && len(rest) >= 1:
		return uint64(rest[0]), at + 2
	case info == infoTwoBytes && len(rest) >= 2:
		return uint64(binary.BigEndian.Uint16(rest)), at + 3
	case info == infoFourBytes && len(rest) >= 4:
		return uint64(binary.BigEndian.Uint32(rest)), at + 5
	case info == infoEightBytes && len(rest) >= 8:
		return binary.BigEndian.Uint64(rest), at + HeadBytesMax
	default:
		return 0, 0
	}
}

// HeadSize returns how many bytes the shortest head with this argument takes.
func HeadSize(arg uint64) int {
	switch {
	case arg < infoOneByte:
		return 1
	case arg < 1<<8:
		return 2
	case arg < 1<<16:
		return 3
	case arg < 1<<32:
		return 5
	default:
		return HeadBytesMax
	}
}
