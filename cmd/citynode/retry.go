package main

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

// retry runs do until it succeeds, fails for good, or ctx ends; then the error
// is what was last answered.
func retry(ctx context.Context, do func() error) error {
	broken := 0
	var last error
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
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
		case !isPassing(err):
			return err
		}
		last = err
		if sleep(ctx, jittered(pause)) != nil {
			return last
		}
	}
}

// isPassing tells whether a city answered that it cannot now.
func isPassing(err error) bool {
	return errors.Is(err, protocol.ErrBusy) || errors.Is(err, protocol.ErrUnavailable)
}

// isBroken tells whether the stream ended under the call, by no fault of what
// was said on it.
func isBroken(err error) bool {
	return errors.Is(err, protocol.ErrStreamClosed) && !errors.Is(err, protocol.ErrBadResponse)
}

// jittered is d give or take a quarter, so that commands that started together
// do not come back together.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2)
}
