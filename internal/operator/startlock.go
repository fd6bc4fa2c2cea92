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
	// startLockWait bounds how long a start waits for one other. That takes about a tenth of
	// a second where nothing else runs, and three with a city starting beside it on each core.
	// However many are before it, a start waits as long as they get on: of 50 at once on two
	// cores the last one has its turn after 15 s.
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
	if err := waitForLock(ctx, f, startLockWait); err != nil {
		f.Close()
		return nil, err
	}
	// Those who wait see by the time of the file that a turn has begun. Where it cannot be
	// set they give up earlier than need be.
	now := time.Now()
	_ = os.Chtimes(f.Name(), now, now)
	// The file stays: to remove it could take it from under the next one who waits.
	return func() { f.Close() }, nil
}

// waitForLock tries to take the lock of an open file until one other has had it for as long
// as patience allows.
func waitForLock(ctx context.Context, f *os.File, patience time.Duration) error {
	var turn time.Time // when the one who has the lock has got it
	end := time.NewTimer(patience)
	defer end.Stop()
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
		if info, err := f.Stat(); err == nil && !info.ModTime().Equal(turn) {
			turn = info.ModTime()
			end.Reset(patience)
		}
		select {
		case <-tries.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for other starts: %w", context.Cause(ctx))
		case <-end.C:
			return fmt.Errorf("another node of this user has been starting for more than %v (%s is locked)",
				patience, f.Name())
		}
	}
}
