package protocol

import "github.com/citynode/citynode/internal/cbor"

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
