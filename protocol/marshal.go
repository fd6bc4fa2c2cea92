package protocol

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// validator is a message with rules that types cannot say.
type validator interface{ validate() error }

var (
	encMode = must(encOptions().EncMode())
	decMode = must(decOptions().DecMode())
)

func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty // null is no value of ours
	o.IndefLength = cbor.IndefLengthForbidden
	o.TagsMd = cbor.TagsForbidden
	return o
}

func decOptions() cbor.DecOptions {
	return cbor.DecOptions{
		DupMapKey:   cbor.DupMapKeyEnforcedAPF,
		IndefLength: cbor.IndefLengthForbidden,
		TagsMd:      cbor.TagsForbidden,
		UTF8:        cbor.UTF8RejectInvalid,
	}
}

// must is for options that are constants.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Marshal returns the canonical encoding of v (RFC 8949 §4.2.1): a message of
// this package, or a struct with the same kind of tags.
func Marshal(v any) ([]byte, error) {
	if n := bytesHint(v); n > 0 {
		b, _ := appendMessage(make([]byte, 0, n), v)
		return b, nil
	}
	b, err := encMode.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b, nil
}

// UnmarshalStrict decodes a request or a part of one into v, which must be a
// pointer to a struct whose fields are tagged `cbor:"KEY,keyasint"`. It refuses
// what [Check] refuses, unknown keys, missing keys unless tagged omitempty or
// omitzero, values of another type than the field's, null among them, and what
// the message's own rules forbid. An error of entries matches
// [crdt.ErrMalformed]. v is undefined after an error; the body of a request or
// response may share memory with b.
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
	if len(b) == 0 {
		return errors.New("no item")
	}
	if !quickUnmarshal(b, v) {
		if err := unmarshalAny(b, v, strict); err != nil {
			return err
		}
	}
	if m, ok := v.(validator); ok {
		return m.validate()
	}
	return nil
}

// unmarshalAny is unmarshalChecked of any item, without the message's own rules.
func unmarshalAny(b []byte, v any, strict bool) error {
	s := shaper{items: headReader{b: b}, strict: strict}
	if err := s.conform(reflect.TypeOf(v)); err != nil {
		return err
	}
	return decMode.Unmarshal(b, v)
}
