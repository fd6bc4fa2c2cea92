package crdt

import (
	"errors"
	"fmt"
)

// skipDepthMax bounds the nesting of an unknown value that is passed over, so
// that no input can exhaust the stack. No message nests deeper.
const skipDepthMax = 8

// reader is a cursor over one CBOR item. It allocates nothing but what its
// methods return and checks every length against what is left before that.
//
// Its error is sticky: after the first one every method returns a zero value
// and reads nothing, so decoders read straight on and look at err at the end
// (and in loops).
type reader struct {
	b  []byte
	at int
	// loose accepts lengths and integers that are longer than minimal, for
	// what is not an entry; see UnmarshalCBOR of ID, Digest and Summary.
	loose bool
	// copied is b as a string, once a text was read; see text.
	copied string
	// kind and entry say what is being read, for errors.
	kind  Kind
	entry int

	err error
}

func newReader(b []byte) *reader { return &reader{b: b, entry: -1} }

func (r *reader) left() int { return len(r.b) - r.at }

func (r *reader) fail(at int, format string, args ...any) {
	r.failWith(at, fmt.Errorf(format, args...))
}

func (r *reader) failWith(at int, err error) {
	if r.err == nil {
		r.err = &DecodeError{Offset: at, Kind: r.kind, Entry: r.entry, Err: err}
	}
}

// end fails unless the input has been read whole.
func (r *reader) end() {
	if r.err == nil && r.left() > 0 {
		r.fail(r.at, "%d bytes after the end", r.left())
	}
}

// head reads an item's first byte and its argument.
func (r *reader) head() (major byte, n uint64) {
	if r.err != nil {
		return 0, 0
	}
	start := r.at
	if r.left() == 0 {
		r.fail(start, "unexpected end")
		return 0, 0
	}
	first := r.b[r.at]
	r.at++
	major, n = first&^31, uint64(first&31)
	if n < 24 {
		return major, n
	}
	if n > 27 {
		r.fail(start, "first byte %#02x: indefinite length or reserved", first)
		return 0, 0
	}
	n = r.argument(start, 1<<(n-24))
	return major, n
}

// argument reads the size bytes of a head's argument.
func (r *reader) argument(start, size int) (n uint64) {
	if r.left() < size {
		r.fail(start, "unexpected end")
		return 0
	}
	for _, c := range r.b[r.at : r.at+size] {
		n = n<<8 | uint64(c)
	}
	r.at += size
	if !r.loose && headSize(n) != 1+size {
		r.fail(start, "%d is encoded longer than minimal", n)
	}
	return n
}

// expect reads the head of an item that must be of the given major type.
func (r *reader) expect(major byte, what string) (n uint64) {
	start := r.at
	got, n := r.head()
	if r.err == nil && got != major {
		r.fail(start, "%s: got %s, want %s", what, majorName(got), majorName(major))
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *reader) uint(what string) uint64 { return r.expect(majorUint, what) }

func (r *reader) bool(what string) bool {
	start := r.at
	r.expect(majorSimple, what)
	if r.err != nil {
		return false
	}
	switch r.b[start] {
	case simpleTrue:
		return true
	case simpleFalse:
	default:
		r.fail(start, "%s: not a boolean", what)
	}
	return false
}

// chunk reads a byte or text string of bytesMin to bytesMax bytes. The result
// is a part of the input.
func (r *reader) chunk(major byte, what string, bytesMin, bytesMax int) []byte {
	start := r.at
	n := r.expect(major, what)
	if r.err != nil {
		return nil
	}
	if n < uint64(bytesMin) || n > uint64(bytesMax) {
		r.fail(start, "%s: %d bytes, want %d to %d", what, n, bytesMin, bytesMax)
		return nil
	}
	if n > uint64(r.left()) {
		r.fail(start, "%s: %d bytes, only %d left", what, n, r.left())
		return nil
	}
	part := r.b[r.at : r.at+int(n)]
	r.at += int(n)
	return part
}

// text returns the whole input as a string, of which the texts in it are parts:
// one copy, however many there are.
func (r *reader) text() string {
	if len(r.copied) != len(r.b) {
		r.copied = string(r.b)
	}
	return r.copied
}

// textItem reads a text string; whether it is UTF-8 is left to validation. If
// it equals known, that string is returned.
func (r *reader) textItem(what string, bytesMax int, known string) string {
	part := r.chunk(majorText, what, 0, bytesMax)
	if r.err != nil || string(part) == known {
		return known
	}
	return r.text()[r.at-len(part) : r.at]
}

func (r *reader) id() (id ID) {
	copy(id[:], r.chunk(majorBytes, "id", idBytes, idBytes))
	return id
}

func (r *reader) digest() (d Digest) {
	copy(d[:], r.chunk(majorBytes, "digest", len(d), len(d)))
	return d
}

// array reads the head of an array of exactly want elements.
func (r *reader) array(want uint64, what string) {
	start := r.at
	n := r.expect(majorArray, what)
	if r.err == nil && n != want {
		r.fail(start, "%s: %d fields, want %d", what, n, want)
	}
}

// list reads the head of an array whose elements take at least elementMin
// bytes each, and fails if what is left cannot hold so many: the result is
// safe to allocate for.
func (r *reader) list(what string, elementMin int) int {
	start := r.at
	n := r.expect(majorArray, what)
	if r.err == nil && n > uint64(r.left()/elementMin) {
		r.fail(start, "%s: %d claimed, but only %d bytes left", what, n, r.left())
		return 0
	}
	return int(n)
}

// skip passes over one item of any kind that the wire allows.
func (r *reader) skip(depth int) {
	start := r.at
	major, n := r.head()
	if r.err != nil {
		return
	}
	switch major {
	case majorUint, majorNegative:
	case majorBytes, majorText:
		r.skipBytes(start, n)
	case majorArray:
		r.skipItems(start, n, depth)
	case majorMap:
		if n > uint64(r.left()) { // also keeps 2·n from overflowing
			r.fail(start, "%d pairs claimed, but only %d bytes left", n, r.left())
			return
		}
		r.skipItems(start, 2*n, depth)
	default:
		r.skipSimple(start)
	}
}

func (r *reader) skipBytes(start int, n uint64) {
	if n > uint64(r.left()) {
		r.fail(start, "%d bytes, only %d left", n, r.left())
		return
	}
	r.at += int(n)
}

func (r *reader) skipItems(start int, n uint64, depth int) {
	if depth >= skipDepthMax {
		r.fail(start, "nested deeper than %d", skipDepthMax)
	}
	for ; n > 0 && r.err == nil; n-- { // ends at the latest with the input
		r.skip(depth + 1)
	}
}

// skipSimple refuses all but false, true and null: tags, floats and other
// simple values are not on the wire.
func (r *reader) skipSimple(start int) {
	switch r.b[start] {
	case simpleFalse, simpleTrue, simpleNull:
	default:
		r.failWith(start, errors.New("tag, float or unknown simple value"))
	}
}

func majorName(major byte) string {
	return [...]string{"uint", "negative", "bytes", "text", "array", "map", "tag", "simple"}[major>>5]
}
