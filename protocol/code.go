package protocol

import "strconv"

// Code is the outcome of a call. Numbers are stable within a wire version and are never given a new meaning.
type Code uint64

// The codes of wire version 1. A caller may try again, after a pause, what was answered with Busy or
// Unavailable; all others are final.
const (
	OK          Code = 0  // done
	BadRequest  Code = 1  // the request breaks a rule of the wire or of the state
	NotFound    Code = 2  // nothing is known of what the request names
	Dead        Code = 3  // the hero is dead, for ever
	Forbidden   Code = 4  // the caller may not
	Busy        Code = 5  // not executed for want of room; the stream is usable
	Unavailable Code = 6  // not possible now
	TooLarge    Code = 7  // the request is longer than a limit
	WrongCity   Code = 8  // the request names another city than the one that answers
	Internal    Code = 9  // a fault of the city
	Unsupported Code = 10 // the method is unknown
)

var codeNames = [...]string{
	OK:          "ok",
	BadRequest:  "bad_request",
	NotFound:    "not_found",
	Dead:        "dead",
	Forbidden:   "forbidden",
	Busy:        "busy",
	Unavailable: "unavailable",
	TooLarge:    "too_large",
	WrongCity:   "wrong_city",
	Internal:    "internal",
	Unsupported: "unsupported",
}

// String returns the code's name, or "code_N" for one that this version does not know.
func (c Code) String() string {
	if c < Code(len(codeNames)) {
		return codeNames[c]
	}
	return "code_" + strconv.FormatUint(uint64(c), 10)
}
