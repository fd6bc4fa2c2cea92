package protocol

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// errNotWellFormed is matched by the errors of Check for bytes that are not
// exactly one item of CBOR; other errors of Check are for well-formed items
// that break a rule of this protocol.
var errNotWellFormed = errors.New("not well-formed CBOR")

// keysHint is how many keys of open maps a scan has room for from the start:
// more than any message has.
const keysHint = 32

// Check returns nil if b is exactly one well-formed CBOR item without tags,
// floats, indefinite lengths, simple values other than false, true and null,
// text that is not UTF-8, keys other than text and integers from -2^63 to
// 2^63-1, keys that are repeated in a map, or more than [NestingMax] containers
// within each other. It accepts lengths and integers that are not in their
// shortest form.
//
// Check allocates at most once, more often only for maps with many keys, and
// never more than a small multiple of b's length.
func Check(b []byte) error {
	if quickCheck(b) {
		return nil
	}
	return scan(b)
}

// scan is Check of any item.
func scan(b []byte) error {
	s := scanner{head: headReader{b: b}, keys: make([]int, 0, keysHint)}
	if err := s.scan(); err != nil {
		return err
	}
	return s.broken
}

// scanner walks over one item, without recursion. The first broken rule is kept
// and the walk goes on, for only the end tells whether the item is well-formed.
type scanner struct {
	head   headReader
	broken error
	deep   bool // a container over NestingMax was met: what is in it is not looked at
	open   [NestingMax]container
	depth  int
	keys   []int // where the keys of the open maps start, outermost map first
}

// container is an array or a map whose end has not come yet.
type container struct {
	isMap      bool
	indefinite bool
	unsorted   bool   // keys did not come in strictly ascending order
	items      uint64 // keys and values: still to come, or, if indefinite, met so far
	firstKey   int    // index in scanner.keys
}

func (s *scanner) scan() error {
	for whole := false; !whole && !s.deep; {
		var err error
		if whole, err = s.step(); err != nil {
			return err
		}
	}
	if left := len(s.head.b) - s.head.at; left > 0 && !s.deep {
		return fmt.Errorf("%w: %d bytes after the item", errNotWellFormed, left)
	}
	return nil
}

// step reads one scalar, one head of a container, or one break, and reports
// whether the outermost item is whole.
func (s *scanner) step() (whole bool, err error) {
	if s.head.atBreak() {
		return s.stepBreak()
	}
	start := s.head.at
	h, err := s.untagged()
	if err != nil {
		return false, err
	}
	if top := s.top(); top != nil && top.isMap && top.items%2 == 0 {
		s.noteKey(top, start, h)
	}
	switch h.major {
	case majorBytes, majorText:
		err = s.str(h)
	case majorArray, majorMap:
		return s.enter(h)
	case majorSimple:
		s.simple(h)
	}
	if err != nil {
		return false, err
	}
	return s.completed(), nil
}

// untagged reads the head of an item, past all its tags.
func (s *scanner) untagged() (head, error) {
	for {
		h, err := s.head.next()
		if err != nil || h.major != majorTag {
			return h, err
		}
		s.breaks("tag %d", h.arg)
	}
}

// stepBreak ends the innermost container, which must be an indefinite one that
// has no key without a value.
func (s *scanner) stepBreak() (whole bool, err error) {
	top := s.top()
	if top == nil || !top.indefinite || top.isMap && top.items%2 != 0 {
		return false, s.head.malformed("break without a container to end")
	}
	s.head.at++
	s.leave()
	return s.completed(), nil
}

// enter opens a container, unless it is empty.
func (s *scanner) enter(h head) (whole bool, err error) {
	if h.indefinite {
		s.breaks("indefinite length")
	}
	items := h.arg
	if h.major == majorMap {
		items = 2 * h.arg // cannot overflow: next has compared it with what is left
	}
	if s.depth == NestingMax {
		s.breaks("nesting deeper than %d", NestingMax)
		s.deep = true
		return false, nil
	}
	if items == 0 && !h.indefinite {
		return s.completed(), nil
	}
	s.open[s.depth] = container{
		isMap: h.major == majorMap, indefinite: h.indefinite, items: items, firstKey: len(s.keys),
	}
	s.depth++
	return false, nil
}

// completed counts an item in its container, ends all containers that are full
// by that, and reports whether the outermost item is whole.
func (s *scanner) completed() (whole bool) {
	for {
		top := s.top()
		switch {
		case top == nil:
			return true
		case top.indefinite:
			top.items++
			return false
		case top.items > 1:
			top.items--
			return false
		}
		s.leave()
	}
}

func (s *scanner) top() *container {
	if s.depth == 0 {
		return nil
	}
	return &s.open[s.depth-1]
}

func (s *scanner) leave() {
	top := s.top()
	if top.isMap {
		s.compareKeys(top)
		s.keys = s.keys[:top.firstKey]
	}
	s.depth--
}

// str reads what follows the head of a string.
func (s *scanner) str(h head) error {
	if !h.indefinite {
		content := s.head.content(h)
		if h.major == majorText && !utf8.Valid(content) {
			s.breaks("text is not UTF-8")
		}
		return nil
	}
	s.breaks("indefinite length")
	for !s.head.atBreak() {
		chunk, err := s.head.next()
		if err != nil {
			return err
		}
		if chunk.major != h.major || chunk.indefinite {
			return s.head.malformed("chunk of another type in a string")
		}
		s.head.content(chunk)
	}
	s.head.at++
	return nil
}

func (s *scanner) simple(h head) {
	switch {
	case h.info >= infoFloat16:
		s.breaks("float")
	case h.arg < simpleFalse || h.arg > simpleNull:
		s.breaks("simple value %d", h.arg)
	}
}

// noteKey checks and remembers a key of the map top. A broken rule found before
// makes its repetition irrelevant.
func (s *scanner) noteKey(top *container, start int, h head) {
	switch {
	case s.broken != nil:
		return
	case h.major == majorText:
	case h.major <= majorNegative && h.arg <= math.MaxInt64:
	default:
		s.breaks("map key is neither text nor an integer of 64 bits")
		return
	}
	if n := len(s.keys); n > top.firstKey && orderKeys(s.head.b, s.keys[n-1], start) >= 0 {
		top.unsorted = true
	}
	s.keys = append(s.keys, start)
}

// compareKeys looks for a repeated key in the map top, whose keys are known to
// differ if they came in ascending order.
func (s *scanner) compareKeys(top *container) {
	if !top.unsorted || s.broken != nil {
		return
	}
	item, keys := s.head.b, s.keys[top.firstKey:]
	slices.SortFunc(keys, func(a, b int) int { return orderKeys(item, a, b) })
	for i := 1; i < len(keys); i++ {
		if orderKeys(item, keys[i-1], keys[i]) == 0 {
			s.breaks("repeated key in a map")
			return
		}
	}
}

// orderKeys orders two keys of item, given by where they start, as their
// shortest encodings are ordered byte by byte (RFC 8949 §4.2.1).
func orderKeys(item []byte, a, b int) int {
	ra, rb := headReader{b: item, at: a}, headReader{b: item, at: b}
	ha, _ := ra.next()
	hb, _ := rb.next()
	if by := cmp.Or(cmp.Compare(ha.major, hb.major), cmp.Compare(ha.arg, hb.arg)); by != 0 {
		return by
	}
	if ha.major != majorText {
		return 0
	}
	return bytes.Compare(ra.content(ha), rb.content(hb))
}

func (s *scanner) breaks(format string, args ...any) {
	if s.broken == nil {
		s.broken = fmt.Errorf("byte %d: "+format, append([]any{s.head.start}, args...)...)
	}
}
