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

// A form says how the values of one Go type stand on the wire. It is made once a
// type, by reflection, from what the tags of structs say; to encode or decode a
// value needs no reflection then, but for the memory of slices and pointers.
//
// A value is reached by its address and a field by its offset, with package
// unsafe. What keeps this right: a form is only ever used with values of its own
// type (messageAt has both from one interface value), and describe has compared
// each field's type with its kind.
type form struct {
	kind   kind
	typ    reflect.Type
	elem   *form   // of a list and of a pointer
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
	*form
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
	kindUint  kind = iota // any type of 64 bits
	kindText              // string
	kindBool              // bool
	kindBytes             // []byte
	kindRaw               // RawItem
	kindID                // crdt.ID
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
	reflect.TypeFor[crdt.Hero]():      kindHero,
	reflect.TypeFor[crdt.Tombstone](): kindTombstone,
	reflect.TypeFor[crdt.Entries]():   kindEntries,
	reflect.TypeFor[crdt.Summary]():   kindSummary,
}

var forms sync.Map // reflect.Type to *form; as many as the program has types of messages

// formOf returns the form of a type. The error names what in the type has none.
func formOf(t reflect.Type) (*form, error) {
	if known, ok := forms.Load(t); ok {
		return known.(*form), nil
	}
	f, err := describe(t)
	if err != nil {
		return nil, err
	}
	known, _ := forms.LoadOrStore(t, f)
	return known.(*form), nil
}

// messageForm returns the form of a message of this package.
func messageForm[T any]() *form { return must(formOf(reflect.TypeFor[T]())) }

// must returns v. An error, of what depends on constants and types alone, panics.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func describe(t reflect.Type) (f *form, err error) {
	f = &form{typ: t}
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
		if f.elem, err = formOf(t.Elem()); err == nil && f.elem.kind == kindPointer {
			err = fmt.Errorf("type %v has no form: a pointer may be nil", t)
		}
	case reflect.Pointer:
		f.kind = kindPointer
		f.elem, err = formOf(t.Elem())
	case reflect.Struct:
		f.kind = kindStruct
		err = f.describeFields()
	default:
		err = fmt.Errorf("type %v has no form on the wire", t)
	}
	return f, err
}

func (f *form) describeFields() error {
	for i := range f.typ.NumField() {
		member := f.typ.Field(i)
		name, options, _ := strings.Cut(member.Tag.Get("cbor"), ",")
		key, err := strconv.ParseUint(name, 10, 6)
		if err != nil {
			continue
		}
		of, err := formOf(member.Type)
		if err != nil {
			return fmt.Errorf("%v: %w", f.typ, err)
		}
		x := field{
			form: of, key: key, offset: member.Offset,
			optional: strings.Contains(options, "omit"), keepsEmpty: strings.Contains(options, "omitzero"),
		}
		if of.kind == kindPointer && !x.optional {
			return fmt.Errorf("%v: key %d is a pointer, and not optional", f.typ, key)
		}
		f.fields = append(f.fields, x)
	}
	slices.SortFunc(f.fields, func(a, b field) int { return cmp.Compare(a.key, b.key) })
	for i := range f.fields {
		key := f.fields[i].key
		f.byKey[key] = uint8(i + 1)
		if !f.fields[i].optional {
			f.required |= 1 << key
		}
	}
	return f.describeAlternatives()
}

// describeAlternatives finds the fields that unless tags name.
func (f *form) describeAlternatives() error {
	for i := range f.typ.NumField() {
		tag := f.typ.Field(i).Tag
		other, ok := tag.Lookup("unless")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag.Get("cbor"), ",")
		x, y := f.fieldOf(name), f.fieldOf(other)
		if x == nil || y == nil {
			return fmt.Errorf("%v: no field has key %s or %s", f.typ, name, other)
		}
		x.unless = y
	}
	return nil
}

func (f *form) fieldOf(key string) *field {
	i := slices.IndexFunc(f.fields, func(x field) bool { return strconv.FormatUint(x.key, 10) == key })
	if i < 0 {
		return nil
	}
	return &f.fields[i]
}
