package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	startLockName = "start.lock"
	// startLockWait bounds how long a start waits for others. One takes about
	// a tenth of a second.
	startLockWait  = 10 * time.Second
	startLockRetry = 20 * time.Millisecond
)

// lockStarts lets the nodes of a user start one after another, up to where
// they are listed in the runtime folder. Of two that start at once, one would
// else find the list empty, and so would the other.
func lockStarts(ctx context.Context, runtimeDir string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, startLockWait)
	defer cancel()
	f, err := os.OpenFile(filepath.Join(runtimeDir, startLockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("wait for other starts: %w", err)
	}
	for {
		free, err := tryLock(f, false)
		if free {
			return func() { f.Close() }, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("wait for other starts by %s: %w", f.Name(), err)
		}
		if sleep(ctx, startLockRetry) != nil {
			f.Close()
			return nil, fmt.Errorf("another node of this user has been starting for more than %v (%s is locked)",
				startLockWait, f.Name())
		}
	}
}

// sleep waits, or fails with the error of ctx if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
