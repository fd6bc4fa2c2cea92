package protocol

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/citynode/citynode/crdt"
)

// A schema says how the values of one Go type stand on the wire. It is made once a
// type, by reflection, from what the tags of structs say; to encode or decode a
// value needs no reflection then, but for the memory of slices and pointers.
//
// A value is reached by its address and a field by its offset, with package
// unsafe. What keeps this right: a schema is only ever used with values of its own
// type (messageAt has both from one interface value), and describe has compared
// each field's type with its kind.
type schema struct {
	kind   kind
	typ    reflect.Type
	elem   *schema // of a list and of a pointer
	fields []field // of a struct, by ascending key
	// byKey has for each key one more than the field's position in fields.
	byKey    [keyMax + 1]uint8
	required uint64    // bit n stands for key n
	copies   sync.Pool // of pointers to zero values; see messageAt
}

// A field is one key of a struct: `cbor:"KEY,keyasint"`, with omitempty or
// omitzero for a key that may be absent, or with omitempty and `unless:"KEY"` for
// one that is written if and only if that other key is not.
type field struct {
	*schema
	key    uint64
	offset uintptr
	// optional fields are left out where they are empty. With keepsEmpty a list
	// is left out only where it is nil.
	optional, keepsEmpty bool
	// unless is the field whose absence has this one written, nil for none.
	unless *field
}

// keyMax is the greatest key of a message, so that a bit of 64 stands for each.
const keyMax = 63

// A kind says how a value is coded.
type kind uint8

const (
	kindUint     kind = iota // any type of 64 bits
	kindText                 // string
	kindBool                 // bool
	kindBytes                // []byte
	kindRaw                  // RawItem
	kindID                   // crdt.ID
	kindInstance             // Instance
	kindHero
	kindTombstone
	kindEntries
	kindSummary
	kindList    // a slice of anything else
	kindPointer // to anything: nil is an absent key
	kindStruct
)

// knownTypes are the types that have a kind of their own.
var knownTypes = map[reflect.Type]kind{
	reflect.TypeFor[RawItem]():        kindRaw,
	reflect.TypeFor[[]byte]():         kindBytes,
	reflect.TypeFor[crdt.ID]():        kindID,
	reflect.TypeFor[Instance]():       kindInstance,
	reflect.TypeFor[crdt.Hero]():      kindHero,
	reflect.TypeFor[crdt.Tombstone](): kindTombstone,
	reflect.TypeFor[crdt.Entries]():   kindEntries,
	reflect.TypeFor[crdt.Summary]():   kindSummary,
}

var schemas sync.Map // reflect.Type to *schema; as many as the program has types of messages

// schemaOf returns the schema of a type. The error names what in the type has none.
func schemaOf(t reflect.Type) (*schema, error) {
	if known, ok := schemas.Load(t); ok {
		return known.(*schema), nil
	}
	f, err := describe(t)
	if err != nil {
		return nil, err
	}
	known, _ := schemas.LoadOrStore(t, f)
	return known.(*schema), nil
}

// messageSchema returns the schema of a message of this package.
func messageSchema[T any]() *schema { return must(schemaOf(reflect.TypeFor[T]())) }

// must returns v. An error, of what depends on constants and types alone, panics.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func describe(t reflect.Type) (f *schema, err error) {
	f = &schema{typ: t}
	f.copies.New = func() any { return reflect.New(t).UnsafePointer() }
	if known, ok := knownTypes[t]; ok {
		f.kind = known
		return f, nil
	}
	switch t.Kind() {
	case reflect.Uint64:
		f.kind = kindUint
	case reflect.String:
		f.kind = kindText
	case reflect.Bool:
		f.kind = kindBool
	case reflect.Slice:
		f.kind = kindList
		if f.elem, err = schemaOf(t.Elem()); err == nil && f.elem.kind == kindPointer {
			err = fmt.Errorf("type %v has no schema: a pointer may be nil", t)
		}
	case reflect.Pointer:
		f.kind = kindPointer
		f.elem, err = schemaOf(t.Elem())
	case reflect.Struct:
		f.kind = kindStruct
		err = f.describeFields()
	default:
		err = fmt.Errorf("type %v has no schema", t)
	}
	return f, err
}

func (s *schema) describeFields() error {
	for i := range s.typ.NumField() {
		member := s.typ.Field(i)
		name, options, _ := strings.Cut(member.Tag.Get("cbor"), ",")
		key, err := strconv.ParseUint(name, 10, 6)
		if err != nil {
			continue
		}
		of, err := schemaOf(member.Type)
		if err != nil {
			return fmt.Errorf("%v: %w", s.typ, err)
		}
		x := field{
			schema: of, key: key, offset: member.Offset,
			optional: strings.Contains(options, "omit"), keepsEmpty: strings.Contains(options, "omitzero"),
		}
		if of.kind == kindPointer && !x.optional {
			return fmt.Errorf("%v: key %d is a pointer, and not optional", s.typ, key)
		}
		s.fields = append(s.fields, x)
	}
	slices.SortFunc(s.fields, func(a, b field) int { return cmp.Compare(a.key, b.key) })
	for i := range s.fields {
		key := s.fields[i].key
		s.byKey[key] = uint8(i + 1)
		if !s.fields[i].optional {
			s.required |= 1 << key
		}
	}
	return s.describeAlternatives()
}

// describeAlternatives finds the fields that unless tags name.
func (s *schema) describeAlternatives() error {
	for i := range s.typ.NumField() {
		tag := s.typ.Field(i).Tag
		other, ok := tag.Lookup("unless")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag.Get("cbor"), ",")
		x, y := s.fieldOf(name), s.fieldOf(other)
		if x == nil || y == nil {
			return fmt.Errorf("%v: no field has key %s or %s", s.typ, name, other)
		}
		x.unless = y
	}
	return nil
}

func (s *schema) fieldOf(key string) *field {
	i := slices.IndexFunc(s.fields, func(x field) bool { return strconv.FormatUint(x.key, 10) == key })
	if i < 0 {
		return nil
	}
	return &s.fields[i]
}
