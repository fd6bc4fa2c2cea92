package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"sync"
	"unsafe"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cbor"
)

// A message is a value and its schema.
type message struct {
	schema *schema // nil for no message
	at     unsafe.Pointer
	copy   bool // of the value, from schema.copies
}

var errNil = errors.New("nil is no message")

// messageAt returns what v points to, or a copy of v, for only what is pointed to
// can be reached without reflection. The caller releases it after use.
func messageAt(v any) (message, error) {
	switch v := v.(type) {
	case nil:
		return message{}, nil
	case *Request: // the envelopes, which every call has
		return message{schema: requestSchema, at: unsafe.Pointer(v)}, nil
	case *Response:
		return message{schema: responseSchema, at: unsafe.Pointer(v)}, nil
	}
	value := reflect.ValueOf(v)
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return message{}, errNil
		}
		f, err := schemaOf(value.Type().Elem())
		return message{schema: f, at: value.UnsafePointer()}, err
	}
	f, err := schemaOf(value.Type())
	if err != nil {
		return message{}, err
	}
	at := f.copies.Get().(unsafe.Pointer)
	reflect.NewAt(f.typ, at).Elem().Set(value)
	return message{schema: f, at: at, copy: true}, nil
}

func (m message) release() {
	if m.copy {
		reflect.NewAt(m.schema.typ, m.at).Elem().SetZero()
		m.schema.copies.Put(m.at)
	}
}

// buffers are what messages are encoded into before their length is known. The
// longest is little more than the longest message that this process has made.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// encoded returns what f appends, in a slice of that length.
func encoded(f func(dst []byte) []byte) []byte {
	buffer := buffers.Get().(*[]byte)
	*buffer = f((*buffer)[:0])
	b := bytes.Clone(*buffer)
	buffers.Put(buffer)
	return b
}

// append appends the canonical encoding of the value at p.
func (s *schema) append(dst []byte, p unsafe.Pointer) []byte {
	switch s.kind {
	case kindUint:
		return cbor.AppendUint(dst, *(*uint64)(p))
	case kindText:
		return cbor.AppendText(dst, *(*string)(p))
	case kindBool:
		return cbor.AppendBool(dst, *(*bool)(p))
	case kindBytes:
		return cbor.AppendBytes(dst, *(*[]byte)(p))
	case kindRaw:
		return append(dst, *(*[]byte)(p)...)
	case kindID:
		return cbor.AppendBytes(dst, (*crdt.ID)(p)[:])
	case kindInstance:
		return appendInstance(dst, (*Instance)(p))
	case kindHero:
		return crdt.AppendHero(dst, *(*crdt.Hero)(p))
	case kindTombstone:
		return crdt.AppendTombstone(dst, *(*crdt.Tombstone)(p))
	case kindEntries:
		return crdt.AppendEntries(dst, *(*crdt.Entries)(p))
	case kindSummary:
		return crdt.AppendSummary(dst, *(*crdt.Summary)(p))
	case kindList:
		n := s.count(p)
		dst = cbor.AppendHead(dst, cbor.Array, uint64(n))
		for i := range n {
			dst = s.elem.append(dst, s.element(p, i))
		}
		return dst
	case kindPointer:
		return s.elem.append(dst, *(*unsafe.Pointer)(p))
	default:
		return s.appendStruct(dst, p, message{})
	}
}

// appendStruct appends a map. body, if there is one, stands in the place of the
// struct's RawItem.
func (s *schema) appendStruct(dst []byte, p unsafe.Pointer, body message) []byte {
	var there uint64
	for i := range s.fields {
		x := &s.fields[i]
		if x.kind == kindRaw && body.schema != nil || x.isIn(p) {
			there |= 1 << x.key
		}
	}
	dst = cbor.AppendHead(dst, cbor.Map, uint64(bits.OnesCount64(there)))
	for i := range s.fields {
		x := &s.fields[i]
		if there&(1<<x.key) == 0 {
			continue
		}
		dst = cbor.AppendUint(dst, x.key)
		if x.kind == kindRaw && body.schema != nil {
			dst = body.schema.append(dst, body.at)
		} else {
			dst = x.append(dst, unsafe.Add(p, x.offset))
		}
	}
	return dst
}

// isIn reports whether the field is written of the struct at p.
func (x *field) isIn(p unsafe.Pointer) bool {
	if x.unless != nil {
		return !x.unless.isIn(p)
	}
	return !x.optional || !x.isEmpty(unsafe.Add(p, x.offset))
}

// isEmpty reports whether an optional field is left out.
func (x *field) isEmpty(p unsafe.Pointer) bool {
	switch x.kind {
	case kindUint:
		return *(*uint64)(p) == 0
	case kindText:
		return *(*string)(p) == ""
	case kindBool:
		return !*(*bool)(p)
	case kindBytes, kindRaw, kindList:
		if x.keepsEmpty {
			return *(*unsafe.Pointer)(p) == nil
		}
		return x.count(p) == 0
	case kindPointer:
		return *(*unsafe.Pointer)(p) == nil
	default:
		return false // structs and arrays are never empty
	}
}

// count returns the length of the slice at p, of whatever type.
func (s *schema) count(p unsafe.Pointer) int { return len(*(*[]struct{})(p)) }

// element returns where the ith element of the slice at p is.
func (s *schema) element(p unsafe.Pointer, i int) unsafe.Pointer {
	return unsafe.Add(*(*unsafe.Pointer)(p), uintptr(i)*s.elem.typ.Size())
}

// The schemas of the two envelopes.
var requestSchema, responseSchema = messageSchema[Request](), messageSchema[Response]()

// encodeRequest returns the encoding of a request with that body, or without one
// if it is nil; r.Body is used only then.
func encodeRequest(r *Request, body any) ([]byte, error) {
	return requestSchema.encodeEnvelope(unsafe.Pointer(r), body)
}

// encodeResponse returns the encoding of a response as encodeRequest does of a
// request.
func encodeResponse(r *Response, body any) ([]byte, error) {
	return responseSchema.encodeEnvelope(unsafe.Pointer(r), body)
}

func (s *schema) encodeEnvelope(p unsafe.Pointer, body any) ([]byte, error) {
	inner, err := messageAt(body)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", body, err)
	}
	defer inner.release()
	return encoded(func(dst []byte) []byte { return s.appendStruct(dst, p, inner) }), nil
}
