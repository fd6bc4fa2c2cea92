package reconcile

import (
	"errors"
	"fmt"
)

// What ends a session before it is complete. Any other error is the own
// replica's, wrapped.
var (
	// ErrProtocol is matched by every error that means that the other side did
	// what no correct program does.
	ErrProtocol = errors.New("sync protocol violated")
	// ErrUnavailable means that the other side's incarnation has ended, has
	// changed during the session, or cannot be synced with yet, or that another
	// city is sending it a whole state. It is nobody's fault; try again.
	ErrUnavailable = errors.New("the other side is restarting or busy")
	// ErrEnded means that the own incarnation changed during the session.
	ErrEnded = errors.New("the own incarnation ended during the session")
	// ErrBusy means that the own replica does not do now what it is asked for;
	// try again later.
	ErrBusy = errors.New("too much asked for at once")
	// ErrSated means that the own replica takes no more new IDs from the other side now.
	// What was exchanged stays; try again later.
	ErrSated = errors.New("the own side takes no more new entries from this one now")
	// ErrWhole means that only whole states would show what differs, and that they were
	// exchanged a while ago and neither side took anything.
	ErrWhole = errors.New("more differs than a sketch shows, and whole states were of no use lately")
	// ErrMoving means that the states changed faster than they could be
	// compared. What was exchanged stays; a new session has less to do.
	ErrMoving = errors.New("the states change faster than they are compared")
	// ErrOutgrown means that the own state grew so much during the session
	// that the other side would refuse more entries. A new session claims more.
	ErrOutgrown = errors.New("the own state outgrew the session")
)

// violation returns an error that matches ErrProtocol and whatever format wraps.
func violation(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrProtocol, fmt.Errorf(format, args...))
}

func isViolation(err error) bool { return errors.Is(err, ErrProtocol) }
