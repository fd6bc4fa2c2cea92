package operator

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/citynode/citynode/internal/userfile"
)

const (
	startLockName = "start.lock"
	// startLockWait bounds how long a start waits for others. One takes about
	// a tenth of a second.
	startLockWait = 10 * time.Second
	// startLockRetry is the pause between two tries: a lock of a file that waits cannot be
	// given up when ctx ends.
	startLockRetry = 20 * time.Millisecond
)

// LockStarts waits for its turn to start a node, up to where the node is listed
// in the runtime folder, and returns the function that ends the turn. Of two
// nodes that start at once, one would else find the list empty, and so would the
// other.
func LockStarts(ctx context.Context, runtimeFolder string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(runtimeFolder, startLockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("wait for other starts: %w", err)
	}
	if err := waitForLock(ctx, f); err != nil {
		f.Close()
		return nil, err
	}
	// The file stays: to remove it could take it from under the next one who waits.
	return func() { f.Close() }, nil
}

// waitForLock tries to take the lock of an open file until startLockWait is over.
func waitForLock(ctx context.Context, f *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, startLockWait)
	defer cancel()
	tries := time.NewTicker(startLockRetry)
	defer tries.Stop()
	for {
		free, err := userfile.TryLock(f, false)
		switch {
		case err != nil:
			return fmt.Errorf("wait for other starts by %s: %w", f.Name(), err)
		case free:
			return nil
		}
		select {
		case <-tries.C:
		case <-ctx.Done():
			return fmt.Errorf("another node of this user has been starting for more than %v (%s is locked)",
				startLockWait, f.Name())
		}
	}
}
