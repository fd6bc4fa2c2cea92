package supervise

import (
	"context"
	"errors"
	"runtime/debug"
	"time"
)

// StopLeast is what each part is given to end, however late it is: those that end at once
// are not to be taken for hanging because others hang.
const StopLeast = 50 * time.Millisecond

// A Closing closes parts of a program that are no children and have no ctx, one after
// another, and waits for none of them for ever. Its methods belong to one goroutine.
type Closing struct {
	// By is when all have to be closed; the zero time: they have PartMax each.
	By time.Time
	// PartMax is how long one may take at most; 0 means DefaultStopTimeout.
	PartMax time.Duration
	// Abandoned is told of each part that was not closed in time. It may be nil.
	Abandoned func(*StopError)

	errs []error
}

// Close closes a part, and returns once that is done or the part's time is up. Its
// goroutine then goes on, and nobody waits for it any more. A panic of closing is its error.
func (c *Closing) Close(part string, closing func() error) {
	ended := make(chan error, 1) // has room for an end that nobody waits for
	go labeled(context.Background(), part, func(context.Context) { ended <- recovered(closing) })
	limit := timeLeft(c.PartMax, c.By)
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-ended:
		c.note(err)
	case <-late.C:
		err := &StopError{Child: part, Timeout: limit, Stacks: stacksOf(part)}
		if c.Abandoned != nil {
			c.Abandoned(err)
		}
		c.note(err)
	}
}

func (c *Closing) note(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

// Err returns what the parts failed with, joined, a *StopError for each that was
// abandoned, or nil.
func (c *Closing) Err() error { return errors.Join(c.errs...) }

// recovered returns the error of f, or its panic as one.
func recovered(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// timeLeft returns how long a part may take to end that may take most (0 means
// DefaultStopTimeout) and is to have ended by that time, if there is one.
func timeLeft(most time.Duration, by time.Time) time.Duration {
	if most == 0 {
		most = DefaultStopTimeout
	}
	if !by.IsZero() {
		most = min(most, time.Until(by))
	}
	return max(most, StopLeast)
}
