package dispatch

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/protocol"
)

const (
	// The pause between two attempts grows from the time that a restarted city
	// needs to what a person hardly notices.
	pauseMin = 50 * time.Millisecond
	pauseMax = time.Second
	// brokenMax is how often a stream may break before the node is taken for
	// one that does not work.
	brokenMax = 3
)

// Retry runs do until it succeeds, fails with an error that is not [Transient],
// or ctx ends. It returns the last answer of a city rather than the error of ctx.
// A stream may break twice; the third time is an error.
func Retry(ctx context.Context, do func() error) error {
	broken := 0
	var last error
	for pauses := (Backoff{}); ; {
		err := do()
		switch {
		case err == nil:
			return nil
		case last != nil && ctx.Err() != nil:
			return last
		case isBroken(err):
			if broken++; broken == brokenMax {
				return err
			}
		case !Transient(err):
			return err
		}
		last = err
		if pauses.Wait(ctx) != nil {
			return last
		}
	}
}

// Transient reports whether another attempt may succeed where one ended with
// err: the city answered that it cannot now, or the stream broke. Of a city that is silent
// all is known that will be soon.
func Transient(err error) bool {
	if _, silent := errors.AsType[*SilentError](err); silent {
		return false
	}
	return errors.Is(err, protocol.ErrBusy) || errors.Is(err, protocol.ErrUnavailable) || isBroken(err)
}

// isBroken reports whether the stream ended under the call, by no fault of what
// was said on the stream.
func isBroken(err error) bool {
	return errors.Is(err, protocol.ErrStreamClosed) && !errors.Is(err, protocol.ErrBadResponse)
}

// A Backoff makes the pauses between the attempts of a program that tries
// again: from 50 ms, doubled each time, to 1 s. The zero value is ready to use.
type Backoff struct {
	next time.Duration
}

// Wait waits for one pause, or returns the error of ctx if that ends first. The
// pause is its length give or take a quarter, so that programs that started
// together do not come back together.
func (b *Backoff) Wait(ctx context.Context) error {
	pause := max(b.next, pauseMin)
	b.next = min(2*pause, pauseMax)
	timer := time.NewTimer(pause*3/4 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reset makes the next pause the shortest again.
func (b *Backoff) Reset() { b.next = 0 }
