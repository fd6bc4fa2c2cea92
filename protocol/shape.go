package protocol

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
)

// shaper compares an item that Check has accepted with the Go type that it is
// to be decoded into: each value has the type that the field has, no required
// key is missing, and null stands nowhere, where the library would let it pass
// for a zero value. It also keeps arrays from growing to many times their size
// on the wire.
type shaper struct {
	items  headReader
	strict bool // refuse unknown keys
}

var (
	idType          = reflect.TypeFor[crdt.ID]()
	unmarshalerType = reflect.TypeFor[cbor.Unmarshaler]()
)

func (s *shaper) conform(t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == idType:
		return s.expectID()
	case reflect.PointerTo(t).Implements(unmarshalerType):
		return s.passNonNull()
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.conformStruct(t)
	case reflect.Slice:
		return s.conformSlice(t.Elem())
	case reflect.String:
		return s.expectString(majorText)
	case reflect.Bool:
		return s.expectBool()
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		_, err := s.expect(majorUint)
		return err
	default:
		return s.passNonNull() // the library knows
	}
}

// conformStruct compares a map with the fields of a struct.
func (s *shaper) conformStruct(t reflect.Type) error {
	m, err := s.expect(majorMap)
	if err != nil {
		return err
	}
	fields := fieldsOf(t)
	var seen uint64
	for range m.arg {
		key, known, err := s.key()
		if err != nil {
			return err
		}
		at, ok := fields.byKey[key]
		if !known || !ok {
			if s.strict {
				return errors.New("unknown key")
			}
			s.pass()
			continue
		}
		seen |= 1 << at
		if err := s.conformField(fields.list[at]); err != nil {
			return fmt.Errorf("key %d: %w", key, err)
		}
	}
	for at, f := range fields.list {
		if f.required && seen&(1<<at) == 0 {
			return fmt.Errorf("key %d is missing", f.key)
		}
	}
	return nil
}

// conformField refuses in requests, besides wrong types, an optional text that
// is there and empty: decoded, it would mean that nothing was asked for.
func (s *shaper) conformField(f field) error {
	if s.strict && !f.required && f.typ.Kind() == reflect.String && s.atEmptyText() {
		return errors.New("empty text")
	}
	return s.conform(f.typ)
}

func (s *shaper) atEmptyText() bool {
	ahead := s.items
	h, err := ahead.next()
	return err == nil && h.major == majorText && h.arg == 0
}

// key reads a key; known is false for one that no field can have.
func (s *shaper) key() (key uint64, known bool, err error) {
	h, err := s.items.next()
	if err != nil {
		return 0, false, err
	}
	if h.major == majorText {
		s.items.content(h)
	}
	return h.arg, h.major == majorUint, nil
}

func (s *shaper) conformSlice(elem reflect.Type) error {
	if elem.Kind() == reflect.Uint8 {
		return s.expectString(majorBytes)
	}
	array, err := s.expect(majorArray)
	if err != nil {
		return err
	}
	if array.arg > elementsMax {
		return fmt.Errorf("array of %d, at most %d are allowed", array.arg, elementsMax)
	}
	for i := range array.arg {
		if err := s.conform(elem); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func (s *shaper) expectID() error {
	h, err := s.expect(majorBytes)
	if err != nil {
		return err
	}
	if n := len(s.items.content(h)); n != len(crdt.ID{}) {
		return fmt.Errorf("id of %d bytes, want %d", n, len(crdt.ID{}))
	}
	return nil
}

func (s *shaper) expectString(major uint8) error {
	h, err := s.expect(major)
	if err != nil {
		return err
	}
	s.items.content(h)
	return nil
}

func (s *shaper) expectBool() error {
	h, err := s.expect(majorSimple)
	if err == nil && h.arg != simpleFalse && h.arg != simpleTrue {
		return errors.New("got null, want a boolean")
	}
	return err
}

func (s *shaper) expect(major uint8) (head, error) {
	h, err := s.items.next()
	if err == nil && h.major != major {
		return head{}, fmt.Errorf("got %s, want %s", majorNames[h.major], majorNames[major])
	}
	return h, err
}

func (s *shaper) passNonNull() error {
	if s.items.at < len(s.items.b) && s.items.b[s.items.at] == majorSimple<<5|simpleNull {
		return errors.New("got null")
	}
	s.pass()
	return nil
}

// pass passes over one item with all that is in it.
func (s *shaper) pass() {
	for left := uint64(1); left > 0; left-- {
		h, err := s.items.next()
		if err != nil {
			return // not after Check
		}
		switch h.major {
		case majorBytes, majorText:
			s.items.content(h)
		case majorArray:
			left += h.arg
		case majorMap:
			left += 2 * h.arg
		}
	}
}

// fields are what the tags of a struct say: `cbor:"KEY,keyasint"`, with
// omitempty or omitzero for a key that may be absent.
type fields struct {
	list  []field
	byKey map[uint64]int // index in list
}

type field struct {
	key      uint64
	typ      reflect.Type
	required bool
}

var fieldsCache sync.Map // reflect.Type of a struct to *fields; as many as the program has message types

func fieldsOf(t reflect.Type) *fields {
	if known, ok := fieldsCache.Load(t); ok {
		return known.(*fields)
	}
	f := &fields{byKey: make(map[uint64]int)}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("cbor"), ",")
		key, err := strconv.ParseUint(name, 10, 6) // so that a bit of 64 stands for each
		if err != nil {
			continue
		}
		f.byKey[key] = len(f.list)
		f.list = append(f.list, field{
			key: key, typ: t.Field(i).Type, required: !strings.Contains(options, "omit"),
		})
	}
	fieldsCache.Store(t, f)
	return f
}
