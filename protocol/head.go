package protocol

import "fmt"

// The major types of CBOR (RFC 8949 §3.1).
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple // and floats
)

var majorNames = [...]string{"uint", "negative integer", "byte string", "text", "array", "map", "tag", "simple value"}

// Simple values (RFC 8949 §3.3).
const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
	// simpleTwoBytesMin is the least that takes two bytes.
	simpleTwoBytesMin = 32
)

// Values of the five low bits of an item's first byte (RFC 8949 §3).
const (
	infoOneByte    = 24
	infoTwoBytes   = 25
	infoFourBytes  = 26
	infoEightBytes = 27
	infoReserved   = 28 // to 30
	infoIndefinite = 31
)

// head is the first byte of an item and its argument.
type head struct {
	major      uint8
	info       uint8
	indefinite bool
	arg        uint64 // value, length in bytes or items; 0 if indefinite
}

// headReader reads the heads of items from b.
type headReader struct {
	b     []byte
	at    int
	start int // where the last head started
}

// next reads a head. Lengths in it have been compared with what is left of b,
// each item that is to come counted as one byte.
func (r *headReader) next() (head, error) {
	r.start = r.at
	if r.at == len(r.b) {
		return head{}, r.malformed("unexpected end")
	}
	first := r.b[r.at]
	r.at++
	h := head{major: first >> 5, info: first & 31}
	switch {
	case h.info < infoOneByte:
		h.arg = uint64(h.info)
	case h.info < infoReserved:
		size := 1 << (h.info - infoOneByte)
		if len(r.b)-r.at < size {
			return head{}, r.malformed("unexpected end")
		}
		for _, c := range r.b[r.at : r.at+size] {
			h.arg = h.arg<<8 | uint64(c)
		}
		r.at += size
	case h.info == infoIndefinite && majorBytes <= h.major && h.major <= majorMap:
		h.indefinite = true
	default:
		return head{}, r.malformed("first byte %#02x", first)
	}
	return h, r.check(h)
}

func (r *headReader) check(h head) error {
	left := uint64(len(r.b) - r.at)
	switch h.major {
	case majorBytes, majorText, majorArray:
		if h.arg > left {
			return r.malformed("%s of %d, only %d bytes left", majorNames[h.major], h.arg, left)
		}
	case majorMap:
		if h.arg > left/2 {
			return r.malformed("map of %d pairs, only %d bytes left", h.arg, left)
		}
	case majorSimple:
		if h.info == infoOneByte && h.arg < simpleTwoBytesMin {
			return r.malformed("simple value %d in two bytes", h.arg)
		}
	}
	return nil
}

// content passes over the bytes of the string whose head h is and returns them.
func (r *headReader) content(h head) []byte {
	part := r.b[r.at : r.at+int(h.arg)]
	r.at += int(h.arg)
	return part
}

func (r *headReader) malformed(format string, args ...any) error {
	return fmt.Errorf("%w: byte %d: "+format, append([]any{errNotWellFormed, r.start}, args...)...)
}
