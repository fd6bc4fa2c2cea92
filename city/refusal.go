package city

import (
	"errors"
	"fmt"
)

// Reason is why a city refuses a message.
type Reason uint8

// The reasons of a refusal.
const (
	BadRequest  Reason = iota + 1 // the request makes no sense; it never will
	NotFound                      // no hero of this id
	Dead                          // the hero is dead
	Unavailable                   // not now; try again
	Busy                          // not executed for want of room; try again
)

// String returns the reason in the words of the call protocol.
func (r Reason) String() string {
	names := [...]string{"", "bad_request", "not_found", "dead", "unavailable", "busy"}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}

// Refusal is the error by which a city declines a message. Nothing was changed
// by the message, but for the entries that an Assign brought with it.
type Refusal struct {
	Reason  Reason
	Message string
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// ReasonOf returns the reason of the refusal that err wraps, or 0.
func ReasonOf(err error) Reason {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Reason
	}
	return 0
}

func refuse(r Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: r, Message: fmt.Sprintf(format, args...)}
}
