package cbor

import (
	"errors"
	"fmt"
	"strconv"
)

// Error is the first fault that a [Reader] met.
type Error struct {
	// Offset is where the item at fault starts, in bytes of the input.
	Offset int
	// Err is what is wrong there.
	Err error
}

// Error returns the place and what is wrong there.
func (e *Error) Error() string { return "byte " + strconv.Itoa(e.Offset) + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Limits are what a [Reader] accepts beyond the strictest: heads in their
// shortest form, and nothing that has to be passed over.
type Limits struct {
	// Loose accepts lengths and integers that are longer than they need be.
	Loose bool
	// Nesting is how many containers within each other the input has, where
	// [Reader.Skip] passes over parts of the outermost. It bounds the stack.
	Nesting int
	// Elements is the most elements of an array, and the most pairs of a map,
	// that Skip passes over; 0: as many as there are bytes.
	Elements uint64
}

// Reader reads one item, or several one behind the other, from the front of
// some bytes. What it returns are parts of these bytes.
//
// Several methods take the name of what is read, for messages; it may be empty.
type Reader struct {
	b      []byte
	at     int
	limits Limits
	err    *Error
}

// NewReader returns a Reader of b.
func NewReader(b []byte, l Limits) Reader { return Reader{b: b, limits: l} }

// Err returns the first fault, nil if there was none.
func (r *Reader) Err() *Error { return r.err }

// Failed reports whether there was a fault.
func (r *Reader) Failed() bool { return r.err != nil }

// At returns the position of the next byte.
func (r *Reader) At() int { return r.at }

// Rest returns what has not been read yet.
func (r *Reader) Rest() []byte { return r.b[r.at:] }

// Left returns how many bytes have not been read yet.
func (r *Reader) Left() int { return len(r.b) - r.at }

// Advance passes over n bytes of [Reader.Rest], which the caller has read by
// itself.
func (r *Reader) Advance(n int) { r.at += n }

// Fail records a fault at a position, unless there was one before. What comes after the
// first is only its consequence.
func (r *Reader) Fail(at int, err error) {
	if r.err == nil {
		r.err = &Error{Offset: at, Err: err}
	}
}

// Failf does what [Reader.Fail] does, with the text of a new error.
func (r *Reader) Failf(at int, format string, args ...any) {
	if r.err == nil {
		r.Fail(at, fmt.Errorf(format, args...))
	}
}

// End fails unless everything has been read.
func (r *Reader) End() {
	if r.err == nil && r.Left() > 0 {
		r.Failf(r.at, "%d bytes after the end", r.Left())
	}
}

// Peek returns the first byte of the next item. ok is false at the end of the
// input and after a fault.
func (r *Reader) Peek() (first byte, ok bool) {
	if r.err != nil || r.at >= len(r.b) {
		return 0, false
	}
	return r.b[r.at], true
}

// Head reads the next head.
func (r *Reader) Head() (m Major, arg uint64) {
	if r.err != nil {
		return 0, 0
	}
	first, arg, next := Head(r.b, r.at)
	if next == 0 || !r.limits.Loose && next-r.at != HeadSize(arg) {
		r.refuseHead(arg, next)
		return 0, 0
	}
	r.at = next
	return MajorOf(first), arg
}

// refuseHead tells what is wrong with the head at r.at, which [Head] has read so.
func (r *Reader) refuseHead(arg uint64, next int) {
	switch {
	case next != 0:
		r.Failf(r.at, "%d is encoded longer than minimal", arg)
	case r.Left() > 0 && r.b[r.at]&infoMask > infoEightBytes:
		r.Failf(r.at, "first byte %#02x: indefinite length or reserved", r.b[r.at])
	default:
		r.Failf(r.at, "unexpected end")
	}
}

// Expect reads the head of an item that must be of this type. What the argument
// counts, bytes or items, has not been compared with what is left.
func (r *Reader) Expect(want Major, what string) (arg uint64) {
	if r.err == nil {
		first, arg, next := Head(r.b, r.at)
		if next != 0 && MajorOf(first) == want && (r.limits.Loose || next-r.at == HeadSize(arg)) {
			r.at = next
			return arg
		}
	}
	return r.refuse(want, what)
}

// refuse tells what is wrong with a head that is not as it was expected.
func (r *Reader) refuse(want Major, what string) (arg uint64) {
	start := r.at
	if got, _ := r.Head(); r.err == nil {
		r.Failf(start, "%sgot %s, want %s", label(what), got, want)
	}
	return 0
}

// label returns how a message about what begins.
func label(what string) string {
	if what == "" {
		return ""
	}
	return what + ": "
}

// Uint reads an unsigned integer.
func (r *Reader) Uint(what string) uint64 { return r.Expect(Uint, what) }

// Bool reads false or true.
func (r *Reader) Bool(what string) bool {
	start := r.at
	r.Expect(Simple, what)
	if r.err != nil {
		return false
	}
	first := r.b[start]
	if first != False && first != True {
		r.Failf(start, "%snot a boolean", label(what))
	}
	return first == True
}

// Bytes reads a byte string of bytesMin to bytesMax bytes.
func (r *Reader) Bytes(what string, bytesMin, bytesMax int) []byte {
	return r.content(Bytes, what, bytesMin, bytesMax)
}

// Text reads a text string of at most bytesMax bytes. Whether they are UTF-8 is
// left to the caller.
func (r *Reader) Text(what string, bytesMax int) []byte { return r.content(Text, what, 0, bytesMax) }

// content reads a string of type m. The bounds come first: they are small, so the
// length fits an int on every machine.
func (r *Reader) content(m Major, what string, bytesMin, bytesMax int) []byte {
	start := r.at
	n := r.Expect(m, what)
	switch {
	case r.err != nil:
		return nil
	case n < uint64(bytesMin) || n > uint64(bytesMax):
		r.Failf(start, "%s%d bytes, want %d to %d", label(what), n, bytesMin, bytesMax)
		return nil
	case n > uint64(r.Left()):
		r.Failf(start, "%s%d bytes, only %d left", label(what), n, r.Left())
		return nil
	}
	r.at += int(n)
	return r.b[r.at-int(n) : r.at]
}

// Array reads the head of an array and returns the number of its elements. Each
// takes elementBytesMin bytes or more; an array that cannot fit what is left is
// refused, so the result is safe to allocate for.
func (r *Reader) Array(what string, elementBytesMin int) int {
	return r.container(Array, what, elementBytesMin)
}

// Map reads the head of a map and returns the number of its pairs. As [Reader.Array]
// does, it refuses a map that cannot fit what is left: a pair takes two bytes or more.
func (r *Reader) Map(what string) int { return r.container(Map, what, 2) }

func (r *Reader) container(m Major, what string, itemBytesMin int) int {
	start := r.at
	n := r.Expect(m, what)
	left := uint64(r.Left())
	if r.err == nil && (n > left || n*uint64(itemBytesMin) > left) { // the first keeps the second from overflowing
		r.Failf(start, "%s%d claimed, but only %d bytes left", label(what), n, r.Left())
		return 0
	}
	return int(n)
}

// Fields reads the head of an array of exactly n elements.
func (r *Reader) Fields(what string, n uint64) {
	start := r.at
	if got := r.Expect(Array, what); r.err == nil && got != n {
		r.Failf(start, "%s%d fields, want %d", label(what), got, n)
	}
}

// Item passes over one item as [Reader.Skip] does and returns it.
func (r *Reader) Item() []byte {
	start := r.at
	r.Skip()
	if r.err != nil {
		return nil
	}
	return r.b[start:r.at]
}

// Skip passes over one item within the [Limits]. It refuses tags, floats, and
// simple values other than false, true and null, and looks at nothing else. The
// outermost container of the limit is the one that the caller is reading.
func (r *Reader) Skip() { r.skip(r.limits.Nesting - 1) }

func (r *Reader) skip(nesting int) {
	start := r.at
	m, n := r.Head()
	if r.err != nil {
		return
	}
	switch m {
	case Uint, Negative:
	case Bytes, Text:
		if n > uint64(r.Left()) {
			r.Failf(start, "%d bytes, only %d left", n, r.Left())
			return
		}
		r.at += int(n)
	case Array:
		r.skipItems(start, n, n, nesting)
	case Map:
		if n > uint64(r.Left()) { // also keeps 2*n from overflowing
			r.Failf(start, "%d pairs claimed, but only %d bytes left", n, r.Left())
			return
		}
		r.skipItems(start, n, 2*n, nesting)
	default:
		if first := r.b[start]; first != False && first != True && first != Null {
			r.Fail(start, errOddSimple)
		}
	}
}

var errOddSimple = errors.New("tag, float or unknown simple value")

// skipItems passes over the items of a container of n elements or pairs. After a fault
// in the limits it does not begin.
func (r *Reader) skipItems(start int, n, items uint64, nesting int) {
	if nesting <= 0 {
		r.Failf(start, "nested deeper than %d", r.limits.Nesting)
	}
	if r.limits.Elements > 0 && n > r.limits.Elements {
		r.Failf(start, "%d elements, at most %d are allowed", n, r.limits.Elements)
	}
	for ; items > 0 && r.err == nil; items-- { // ends with the input at the latest
		r.skip(nesting - 1)
	}
}
