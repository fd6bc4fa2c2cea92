package cbor

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// ErrNotWellFormed is matched by the errors of [Check] for bytes that are not
// exactly one item of CBOR. Its other errors are for items that break a rule.
var ErrNotWellFormed = errors.New("not well-formed CBOR")

// Check returns nil if b is exactly one well-formed item without tags, floats,
// indefinite lengths, simple values other than false, true and null, text that
// is not UTF-8, keys other than text and integers from -2^63 to 2^63-1, keys
// that are repeated in a map, or more than nestingMax containers within each
// other. It accepts lengths and integers that are not in their shortest form.
//
// Check allocates only for maps whose keys are not in ascending order, and
// never more than a small multiple of b's length.
func Check(b []byte, nestingMax int) error {
	w := walk{b: b, nestingMax: nestingMax}
	w.item(nestingMax)
	if left := len(b) - w.at; left > 0 && !w.stopped {
		w.start = w.at
		w.stop(fmt.Errorf("%w: %d bytes after the item", ErrNotWellFormed, left))
	}
	if w.malformed != nil {
		return w.malformed
	}
	return w.broken
}

// walk goes over one item. The walk stops at the first byte that is not
// well-formed. A rule that is broken is only noted, and the walk goes on: that
// an item is not well-formed counts more, for nothing can be read after it.
type walk struct {
	b          []byte
	nestingMax int
	at         int
	start      int // where the last head started
	stopped    bool
	malformed  error
	broken     error // the first broken rule
}

func (w *walk) stop(err error) {
	if !w.stopped {
		w.stopped, w.malformed = true, err
	}
}

func (w *walk) stopf(format string, args ...any) {
	w.stop(fmt.Errorf("%w: byte %d: "+format, append([]any{ErrNotWellFormed, w.start}, args...)...))
}

func (w *walk) breaks(format string, args ...any) {
	if w.broken == nil {
		w.broken = fmt.Errorf("byte %d: "+format, append([]any{w.start}, args...)...)
	}
}

// item goes over one item, in which nesting more containers are allowed. Lengths
// are compared with what is left, where each item that is to come counts as one
// byte.
func (w *walk) item(nesting int) {
	w.start = w.at
	if w.at == len(w.b) {
		w.stopf("unexpected end")
		return
	}
	first := w.b[w.at]
	arg, next := argument(w.b, w.at)
	if next == 0 {
		w.withoutHead(first, nesting)
		return
	}
	w.at = next
	left := uint64(len(w.b) - next)
	switch m := MajorOf(first); {
	case m <= Negative:
	case m <= Text:
		if arg > left {
			w.stopf("%s of %d, only %d bytes left", m, arg, left)
			return
		}
		w.at += int(arg)
		if m == Text && !utf8.Valid(w.b[next:w.at]) {
			w.breaks("text is not UTF-8")
		}
	// Before the nesting: that an item is not well-formed counts more.
	case m == Array && arg > left:
		w.stopf("array of %d, only %d bytes left", arg, left)
	case m == Map && arg > left/2:
		w.stopf("map of %d pairs, only %d bytes left", arg, left)
	case m == Tag:
		w.breaks("tag %d", arg)
		w.tagged(nesting)
	case m == Simple:
		w.simple(first, arg)
	case nesting == 0:
		w.tooDeep()
	case m == Array:
		for ; arg > 0 && !w.stopped; arg-- {
			w.item(nesting - 1)
		}
	default:
		w.pairs(arg, nesting-1)
	}
}

// tooDeep ends the walk without a look into a container: the stack has an end.
func (w *walk) tooDeep() {
	w.breaks("nesting deeper than %d", w.nestingMax)
	w.stopped = true
}

// tagged goes over an item that has a tag. Further tags are passed over here,
// for there may be as many as there are bytes.
func (w *walk) tagged(nesting int) {
	for {
		first, _, next := Head(w.b, w.at)
		if next == 0 || MajorOf(first) != Tag {
			w.item(nesting)
			return
		}
		w.at = next
	}
}

// withoutHead goes over an item of indefinite length, and stops at anything else
// that [Head] does not read.
func (w *walk) withoutHead(first byte, nesting int) {
	m, info := MajorOf(first), first&infoMask
	switch {
	case first == breakByte:
		w.stopf("break without a container to end")
	case info == infoIndefinite && m == Bytes, info == infoIndefinite && m == Text:
		w.breaks("indefinite length")
		w.at++
		w.chunks(m)
	case info == infoIndefinite && (m == Array || m == Map):
		w.breaks("indefinite length")
		w.at++
		w.indefinite(m, nesting)
	case info > infoEightBytes:
		w.stopf("first byte %#02x", first)
	default:
		w.stopf("unexpected end")
	}
}

func (w *walk) atBreak() bool { return w.at < len(w.b) && w.b[w.at] == breakByte }

// chunks goes over the parts of a string of indefinite length. Each is a string of the
// same type with a length (RFC 8949 §3.2.3).
func (w *walk) chunks(m Major) {
	for !w.stopped && !w.atBreak() {
		w.start = w.at
		first, size, next := Head(w.b, w.at)
		switch {
		case w.at == len(w.b) || next == 0 && MajorOf(first) == m && first&infoMask < infoIndefinite:
			w.stopf("unexpected end")
		case next == 0 || MajorOf(first) != m:
			w.stopf("chunk of another type in a string")
		case size > uint64(len(w.b)-next):
			w.stopf("%s of %d, only %d bytes left", m, size, len(w.b)-next)
		default:
			w.at = next + int(size)
		}
	}
	w.at++ // the break; after a fault it does not matter
}

// indefinite goes over the items of a container that ends with a break, which
// in a map may stand only where a key may (RFC 8949 §3.2.2). Whether keys are repeated
// does not matter any more.
func (w *walk) indefinite(m Major, nesting int) {
	if nesting == 0 {
		w.tooDeep()
		return
	}
	for !w.stopped && !w.atBreak() {
		w.item(nesting - 1)
		if m == Map && !w.stopped {
			w.item(nesting - 1)
		}
	}
	w.at++
}

// simple judges a simple value or a float. One below 32 has a single byte, so two are
// not well-formed (RFC 8949 §3.3).
func (w *walk) simple(first byte, arg uint64) {
	switch info := first & infoMask; {
	case info > infoOneByte:
		w.breaks("float")
	case info == infoOneByte && arg < simpleTwoBytesMin:
		w.stopf("simple value %d in two bytes", arg)
	case arg < simpleFalse || arg > simpleNull:
		w.breaks("simple value %d", arg)
	}
}

// pairs goes over the pairs of a map. As long as its keys come in ascending
// order none can be repeated.
func (w *walk) pairs(n uint64, nesting int) {
	first, last, sorted := w.at, -1, true
	for i := n; i > 0 && !w.stopped; i-- {
		start := w.at
		w.key(nesting)
		if w.stopped {
			return
		}
		if last >= 0 && !w.ascend(last, start) {
			sorted = false
		}
		last = start
		w.item(nesting)
	}
	if !sorted && w.broken == nil && !w.stopped {
		w.findRepeated(first, n)
	}
}

// key goes over a key. Most are small numbers, in one byte each.
func (w *walk) key(nesting int) {
	start := w.at
	if start < len(w.b) && w.b[start] < infoOneByte {
		w.at++
		return
	}
	w.item(nesting)
	if w.stopped {
		return
	}
	first, arg, _ := Head(w.b, start)
	if m := MajorOf(first); m != Text && (m > Negative || arg > math.MaxInt64) {
		w.start = start
		w.breaks("map key is neither text nor an integer of 64 bits")
	}
}

// ascend reports whether the key at b is greater than the one at a.
func (w *walk) ascend(a, b int) bool {
	if x, y := w.b[a], w.b[b]; x < infoOneByte && y < infoOneByte {
		return x < y
	}
	return compareKeys(w.b, a, b) < 0
}

// findRepeated looks for a repeated key in a map of n pairs that starts at a
// position and is well-formed. Each level of a nesting goes over what is in it
// once more, so that all of that together is bounded by the nesting. It allocates eight
// bytes for a pair, which takes two bytes of the input or more.
func (w *walk) findRepeated(first int, n uint64) {
	r := NewReader(w.b, Limits{Loose: true, Nesting: math.MaxInt})
	r.at = first
	keys := make([]int, n)
	for i := range keys {
		keys[i] = r.at
		r.Skip()
		r.Skip()
	}
	slices.SortFunc(keys, func(a, b int) int { return compareKeys(w.b, a, b) })
	for i := 1; i < len(keys); i++ {
		if compareKeys(w.b, keys[i-1], keys[i]) == 0 {
			w.breaks("repeated key in a map")
			return
		}
	}
}

// compareKeys orders two keys, given by where they start, as their shortest
// encodings are ordered byte by byte (RFC 8949 §4.2.1).
func compareKeys(item []byte, a, b int) int {
	firstA, argA, atA := Head(item, a)
	firstB, argB, atB := Head(item, b)
	order := cmp.Or(cmp.Compare(MajorOf(firstA), MajorOf(firstB)), cmp.Compare(argA, argB))
	if order != 0 || MajorOf(firstA) != Text {
		return order
	}
	return bytes.Compare(item[atA:atA+int(argA)], item[atB:atB+int(argB)])
}
