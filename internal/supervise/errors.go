package supervise

import (
	"errors"
	"fmt"
	"time"
)

// Errors that callers can ask for with errors.Is.
var (
	// ErrStopTimeout is matched by every StopError.
	ErrStopTimeout = errors.New("did not stop in time")

	// ErrServed is returned by the second call of Serve.
	ErrServed = errors.New("supervise: Serve was called before")
)

// How a child crashes without an error of its own.
var (
	errReturned     = errors.New("returned without having been told to stop")
	errGoexit       = errors.New("called runtime.Goexit")
	errNothingToRun = errors.New("start returned neither a run function nor an error")
)

// IntensityError is returned by Serve when children crashed too often.
type IntensityError struct {
	Child    string        // whose crash was one too many
	Err      error         // what that child crashed of
	Restarts int           // how many restarts there had been within Period, of all children
	Period   time.Duration // how long a restart counts
}

func (e *IntensityError) Error() string {
	return fmt.Sprintf("gave up after %d restarts in %v: child %q crashed: %v", e.Restarts, e.Period, e.Child, e.Err)
}

// Unwrap returns what the child crashed of.
func (e *IntensityError) Unwrap() error { return e.Err }

// StartError is returned by Serve when the first start of a child failed.
type StartError struct {
	Child string // which did not start
	Err   error  // why
}

func (e *StartError) Error() string { return fmt.Sprintf("start child %q: %v", e.Child, e.Err) }

// Unwrap returns why the child did not start.
func (e *StartError) Unwrap() error { return e.Err }

// StopError says that a child, or a part that a Closing closes, had not ended Timeout after
// it was told to stop. Its goroutine may still be running. It matches ErrStopTimeout.
type StopError struct {
	Child   string
	Timeout time.Duration
	Stacks  []byte // where its goroutines hang, as text, at most 64 KiB; not part of Error
}

func (e *StopError) Error() string {
	return fmt.Sprintf("%s %v (%v) and was abandoned", e.Child, ErrStopTimeout, e.Timeout.Round(time.Millisecond))
}

// Unwrap returns ErrStopTimeout.
func (e *StopError) Unwrap() error { return ErrStopTimeout }

// PanicError is what a child crashed of when it panicked.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // of the goroutine that panicked, as of runtime/debug.Stack
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic if it is an error, and nil otherwise.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
