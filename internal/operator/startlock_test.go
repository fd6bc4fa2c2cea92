package operator

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
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

func TestAStartWaitsAsLongAsThoseBeforeItGetOn(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var starts sync.WaitGroup
		for range 50 {
			starts.Go(func() {
				unlock, err := LockStarts(t.Context(), folder)
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(startLockWait / 5)
				unlock()
			})
		}
		starts.Wait()
	})
}

func TestAStartThatHangsIsNotWaitedForLonger(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		unlock, err := LockStarts(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		begin := time.Now()
		_, err = LockStarts(t.Context(), folder)
		if took := time.Since(begin); err == nil || took > startLockWait+time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
