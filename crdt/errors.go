package crdt

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrMalformed is matched by errors.Is for every error of this package: no
// correct program makes such an entry, name or encoding.
var ErrMalformed = errors.New("malformed")

// InvalidError says which rule a value breaks. It matches [ErrMalformed].
type InvalidError struct {
	// Field is what is wrong, as the wire form names it: "name", "health", …
	Field string
	// Reason is the broken rule in words; for names it gives the code point.
	Reason string
}

// Error returns the field and the reason.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// Is reports whether target is [ErrMalformed].
func (e *InvalidError) Is(target error) bool { return target == ErrMalformed }

func invalid(field, format string, args ...any) *InvalidError {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// DecodeError says where bytes stop being what they should be. It matches
// [ErrMalformed].
type DecodeError struct {
	// Offset is the position of the item at fault, in bytes from the start of
	// the input. For a broken rule (Err is an *[InvalidError]) it is where the
	// entry starts.
	Offset int
	// Kind is what was being read when it went wrong; KindNone outside entries.
	Kind Kind
	// Entry is the position of that entry in its array, or -1 where there is
	// no array.
	Entry int
	// Err is what is wrong.
	Err error
}

// Error returns the place and what is wrong there.
func (e *DecodeError) Error() string {
	place := "byte " + strconv.Itoa(e.Offset) + ": "
	if e.Kind != KindNone {
		place += entryName(e.Kind, e.Entry) + ": "
	}
	return place + e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *DecodeError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrMalformed].
func (e *DecodeError) Is(target error) bool { return target == ErrMalformed }

func entryName(k Kind, i int) string {
	if i < 0 {
		return k.String()
	}
	return k.String() + " " + strconv.Itoa(i)
}
