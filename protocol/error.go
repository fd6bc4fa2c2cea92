package protocol

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is an answer other than OK. It crosses the wire, and errors.Is finds its sentinel at the far end.
type Error struct {
	// Code says what kind of answer it is; never OK.
	Code Code
	// Message explains it to a person: plain text of at most MessageBytesMax
	// bytes; may be empty.
	Message string

	cause error // what led to it; does not cross the wire
}

// Sentinels for errors.Is, one a code. Their messages are empty.
var (
	ErrBadRequest  = &Error{Code: BadRequest}
	ErrNotFound    = &Error{Code: NotFound}
	ErrDead        = &Error{Code: Dead}
	ErrForbidden   = &Error{Code: Forbidden}
	ErrBusy        = &Error{Code: Busy}
	ErrUnavailable = &Error{Code: Unavailable}
	ErrTooLarge    = &Error{Code: TooLarge}
	ErrWrongCity   = &Error{Code: WrongCity}
	ErrInternal    = &Error{Code: Internal}
	ErrUnsupported = &Error{Code: Unsupported}
)

// Errorf returns an Error whose message is formatted as by fmt.Errorf and made
// fit for the wire: what is not printable becomes a space, and what is over
// [MessageBytesMax] is cut between two characters. What %w wraps is found by
// errors.Is and errors.As on this side of the wire.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: plainText(err.Error()), cause: errors.Unwrap(err)}
}

// Error returns the code's name and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Message
}

// Unwrap returns what led to the error, if that is known on this side.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error of the same code, whatever the messages.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns the code of the first Error in err's tree: OK for nil, Internal if there is none.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// plainText returns s as one line of valid UTF-8 without control or format characters, cut to MessageBytesMax.
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, clip(s, 2*MessageBytesMax))
	return clip(s, MessageBytesMax)
}

// clip returns the longest prefix of s that is at most n bytes and does not split a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// A SilentError says that a city does not answer, and what is known of it. It matches
// [ErrUnavailable], and nothing is tried again after it.
type SilentError struct {
	City string
	// Status is what the node that was asked thinks of the city: suspect or failed. It is
	// empty where the name has passed to another peer after the request was sent.
	Status CityStatus
	// Sent says that the request, or a part of it, was sent: whether it was carried out is
	// not known.
	Sent bool
}

func (e *SilentError) Error() string {
	why := "is held by another peer now"
	switch e.Status {
	case StatusSuspect:
		why = "is suspect: it does not answer"
	case StatusFailed:
		why = "has failed: it gives no sign of life"
	}
	what := "nothing was sent to it"
	if e.Sent {
		what = "the request was sent, outcome unknown"
	}
	return fmt.Sprintf("city %s %s; %s", e.City, why, what)
}

// Is reports whether target is ErrUnavailable.
func (e *SilentError) Is(target error) bool { return target == ErrUnavailable }
