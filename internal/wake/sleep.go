package wake

import (
	"context"
	"math/rand/v2"
	"time"
)

// Sleep waits for d. It returns nil, or the error of ctx if ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Jitter returns d, more or less by up to a tenth, so that what many nodes do at
// one interval does not happen at one moment.
func Jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
