package bootstrap

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// retryBase is the pause after a first failure.
	retryBase = 250 * time.Millisecond
	// urgentRetryMax caps the pause for bootstrap peers and the sample. After an
	// outage of any length they are connected within seconds.
	urgentRetryMax = 3 * time.Second
	// lazyRetryMax caps the pause for all other peers, which may be gone for good.
	lazyRetryMax = 60 * time.Second
)

// retryPause returns the pause after that many failures in a row, at least one.
// The pause doubles with each failure up to limit and is then cut by up to a half
// at random, so that hosts that lost the same peer do not dial it in step.
func retryPause(failures int, limit time.Duration) time.Duration {
	pause := limit
	if shift := failures - 1; shift < 16 {
		pause = min(limit, retryBase<<max(shift, 0))
	}
	return pause - rand.N(pause/2)
}

// wait returns after d, or earlier when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
