package protocol

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cbor"
)

// oneByteKeys are the keys below this: their one byte is the number itself.
const oneByteKeys = 24

// decoder reads an item that Check has accepted into Go values. Each value must
// have the type that the field has, no required key may be missing, and null
// stands nowhere.
type decoder struct {
	cbor.Reader
	strict bool   // refuse unknown keys, and optional texts that are empty
	path   string // to the value at fault, for its message
}

func newDecoder(b []byte, strict bool) decoder {
	limits := cbor.Limits{Loose: true, Nesting: NestingMax, Elements: skippedElementsMax}
	return decoder{Reader: cbor.NewReader(b, limits), strict: strict}
}

// fault returns what is wrong with the item, and where. Entries tell their place
// by themselves.
func (d *decoder) fault() error {
	switch err := d.Err(); {
	case err == nil:
		return nil
	case errors.Is(err.Err, crdt.ErrMalformed):
		return err.Err
	default:
		return fmt.Errorf("%s%w", d.path, err.Err)
	}
}

var (
	errNull       = errors.New("got null")
	errEmptyText  = errors.New("empty text")
	errUnknownKey = errors.New("unknown key")
)

// read reads a value into p. last says that nothing may follow it in the input.
func (s *schema) read(d *decoder, p unsafe.Pointer, last bool) {
	switch s.kind {
	case kindUint:
		*(*uint64)(p) = d.Uint("")
	case kindText:
		*(*string)(p) = string(d.Text("", math.MaxInt))
	case kindBool:
		*(*bool)(p) = d.Bool("")
	case kindBytes:
		*(*[]byte)(p) = append([]byte{}, d.Bytes("", 0, math.MaxInt)...)
	case kindID:
		d.id((*crdt.ID)(p))
	case kindInstance:
		d.instance(p)
	case kindList:
		s.readList(d, p)
	case kindPointer:
		to := s.elem.allocate()
		*(*unsafe.Pointer)(p) = to
		s.elem.read(d, to, last)
	case kindStruct:
		s.readStruct(d, p, last)
	default:
		s.readItem(d, p, last)
	}
}

// allocate returns a new value, of the usual types without reflection.
func (s *schema) allocate() unsafe.Pointer {
	switch s.kind {
	case kindEntries:
		return unsafe.Pointer(new(crdt.Entries))
	case kindSummary:
		return unsafe.Pointer(new(crdt.Summary))
	default:
		return reflect.New(s.typ).UnsafePointer()
	}
}

// readItem reads a value that has a decoder of its own.
func (s *schema) readItem(d *decoder, p unsafe.Pointer, last bool) {
	start := d.At()
	if first, ok := d.Peek(); ok && first == cbor.Null {
		d.Fail(start, errNull)
	}
	if d.Failed() {
		return
	}
	from := d.Rest()
	var rest []byte
	var err error
	switch s.kind {
	case kindHero:
		// Its texts are parts of one copy of what it is read from.
		from = from[:min(len(from), crdt.HeroBytesMax)]
		*(*crdt.Hero)(p), rest, err = crdt.CutHero(from)
	case kindTombstone:
		*(*crdt.Tombstone)(p), rest, err = crdt.CutTombstone(from)
	case kindEntries:
		*(*crdt.Entries)(p), rest, err = crdt.CutEntries(from)
	case kindSummary:
		*(*crdt.Summary)(p), rest, err = crdt.CutSummary(from)
	default:
		*(*[]byte)(p) = d.item(last)
		return
	}
	if err != nil {
		d.Fail(start, err)
		return
	}
	d.Advance(len(from) - len(rest))
}

// item returns the next item. The last one is the rest, for Check has found the
// whole to be one item; unless an array could be in it that is too long.
func (d *decoder) item(last bool) []byte {
	if !last || d.Left() > skippedElementsMax {
		return d.Item()
	}
	rest := d.Rest()
	d.Advance(len(rest))
	return rest
}

func (d *decoder) id(id *crdt.ID) {
	start := d.At()
	b := d.Bytes("", 0, math.MaxInt)
	if !d.Failed() && len(b) != len(id) {
		d.Failf(start, "id of %d bytes, want %d", len(b), len(id))
	}
	copy(id[:], b)
}

// readList reads an array, whose size it knows before it allocates: an element
// takes a byte at least, and what it grows to is bounded by elementsMax.
func (s *schema) readList(d *decoder, p unsafe.Pointer) {
	start := d.At()
	n := d.Array("", 1)
	if n > elementsMax {
		d.Failf(start, "array of %d, at most %d are allowed", n, elementsMax)
	}
	if d.Failed() {
		return
	}
	if s.elem.kind == kindID {
		*(*[]crdt.ID)(p) = make([]crdt.ID, n)
	} else {
		reflect.NewAt(s.typ, p).Elem().Set(reflect.MakeSlice(s.typ, n, n))
	}
	for i := range n {
		s.elem.read(d, s.element(p, i), false)
		if d.Failed() {
			d.path = "element " + strconv.Itoa(i) + ": " + d.path
			return
		}
	}
}

// readStruct reads a map. What it has set before a fault, nobody is to look at.
func (s *schema) readStruct(d *decoder, p unsafe.Pointer, last bool) {
	var seen uint64
	for pairs := d.Map(""); pairs > 0 && !d.Failed(); pairs-- {
		start := d.At()
		x := s.readKey(d)
		switch {
		case x != nil:
			seen |= 1 << x.key
			x.read(d, unsafe.Add(p, x.offset), last && pairs == 1)
		case d.strict:
			d.Fail(start, errUnknownKey)
		default:
			d.Skip()
		}
	}
	if missing := s.required &^ seen; missing != 0 {
		d.Failf(d.At(), "key %d is missing", bits.TrailingZeros64(missing))
	}
}

// readKey returns the field that a key is of, nil for none.
func (s *schema) readKey(d *decoder) *field {
	first, _ := d.Peek()
	key := uint64(first)
	switch {
	case first < oneByteKeys: // nearly always; at the end of the input, key 0
		d.Advance(min(1, d.Left()))
	case cbor.MajorOf(first) != cbor.Uint:
		d.Skip()
		return nil
	default:
		key = d.Uint("")
	}
	if key > keyMax || s.byKey[key] == 0 {
		return nil
	}
	return &s.fields[s.byKey[key]-1]
}

// read reads the value of a field. It refuses in requests an optional text that
// is there and empty: decoded, it would mean that nothing was asked for.
func (x *field) read(d *decoder, p unsafe.Pointer, last bool) {
	start := d.At()
	x.schema.read(d, p, last)
	if d.strict && x.optional && x.kind == kindText && *(*string)(p) == "" {
		d.Fail(start, errEmptyText)
	}
	if d.Failed() {
		d.path = "key " + strconv.FormatUint(x.key, 10) + ": " + d.path
	}
}
