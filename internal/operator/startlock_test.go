package operator

import (
	"context"
	"testing"
	"time"
)

func TestStartsTakeTurns(t *testing.T) {
	folder := t.TempDir()
	unlock, err := LockStarts(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*startLockRetry)
	defer cancel()
	if _, err := LockStarts(ctx, folder); err == nil {
		t.Error("two start at once")
	}
	time.AfterFunc(startLockRetry, unlock)
	unlock, err = LockStarts(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
