package protocol

import (
	"errors"
	"fmt"

	"github.com/citynode/citynode/internal/cbor"
)

// errNotWellFormed is matched by the errors of [Check] for bytes that are not
// exactly one item of CBOR; its other errors are for well-formed items that
// break a rule of this protocol.
var errNotWellFormed = cbor.ErrNotWellFormed

// Check returns nil if b is exactly one well-formed CBOR item without tags,
// floats, indefinite lengths, simple values other than false, true and null,
// text that is not UTF-8, keys other than text and integers from -2^63 to
// 2^63-1, keys that are repeated in a map, or more than [NestingMax] containers
// within each other. It accepts lengths and integers that are not in their
// shortest form.
//
// Check allocates only for maps whose keys are not in ascending order, and
// never more than a small multiple of b's length.
func Check(b []byte) error { return cbor.Check(b, NestingMax) }

// validator is a message with rules that types cannot say.
type validator interface{ validate() error }

// Marshal returns the canonical encoding of v (RFC 8949 §4.2.1): a message of
// this package, or a struct whose fields have the same kinds of tags and types, or
// a pointer to one. A type may not contain itself. It fails for other types alone.
func Marshal(v any) ([]byte, error) {
	m, err := messageAt(v)
	if err == nil && m.schema == nil {
		err = errNil
	}
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	defer m.release()
	return encoded(func(dst []byte) []byte { return m.schema.append(dst, m.at) }), nil
}

// UnmarshalStrict decodes a request or a part of one into v, which must be a
// pointer to a struct whose fields are tagged `cbor:"KEY,keyasint"`. It refuses
// what [Check] refuses, unknown keys, missing keys unless tagged omitempty or
// omitzero, values of another type than the field's, null among them, and what
// the message's own rules forbid. An error of entries matches
// [crdt.ErrMalformed]. v is undefined after an error; the body of a request or
// response shares memory with b.
func UnmarshalStrict(b []byte, v any) error {
	if err := Check(b); err != nil {
		return err
	}
	return unmarshalChecked(b, v, true)
}

// UnmarshalLenient is for responses and presence: as [UnmarshalStrict], but
// unknown keys are ignored.
func UnmarshalLenient(b []byte, v any) error {
	if err := Check(b); err != nil {
		return err
	}
	return unmarshalChecked(b, v, false)
}

// unmarshalChecked decodes b, which Check has accepted, alone or as a part.
func unmarshalChecked(b []byte, v any, strict bool) error {
	if err := decode(b, v, strict); err != nil {
		return err
	}
	if m, ok := v.(validator); ok {
		return m.validate()
	}
	return nil
}

// decode does what unmarshalChecked does, without the message's own rules.
func decode(b []byte, v any, strict bool) error {
	if len(b) == 0 {
		return errors.New("no item")
	}
	m, err := messageAt(v)
	if err == nil && (m.copy || m.schema == nil) {
		m.release()
		err = errors.New("not a pointer to a message")
	}
	if err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	d := newDecoder(b, strict)
	m.schema.read(&d, m.at, true)
	d.End()
	return d.fault()
}
