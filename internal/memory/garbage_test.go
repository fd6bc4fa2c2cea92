package memory

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheShareOfGarbageFallsWithWhatIsInUse(t *testing.T) {
	for _, c := range []struct {
		inUse      uint64
		most, want int
	}{
		{0, 100, 100},
		{1 << 20, 100, 100},
		{garbageMax, 100, 100},
		{4 * garbageMax, 100, 25},
		{4 * garbageMax, 10, 10}, // as GOGC says
		{1 << 40, 100, percentMin},
		{1 << 40, -1, -1}, // GOGC=off
		{1 << 40, 2, 2},
	} {
		if got := percentFor(c.inUse, c.most); got != c.want {
			t.Errorf("%d bytes are in use, %d%% at most: %d%%, want %d%%", c.inUse, c.most, got, c.want)
		}
	}
}

func TestTheShareOfGarbageFollowsWhatIsInUse(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	held := make([]byte, 4*garbageMax)
	runtime.GC()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			BoundGarbage(ctx)
		}()
		defer func() { cancel(); <-ended }()
		time.Sleep(garbageEvery / 2)
		runtime.KeepAlive(held)
		held = nil
		runtime.GC()
		time.Sleep(garbageEvery)
		if now := percent(); now != 100 {
			t.Errorf("%d%% may be garbage of what is little, want 100%%", now)
		}
	})
}

// percent returns what the runtime is told now.
func percent() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

func TestGarbageIsBoundedWhileMuchIsInUse(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	held := make([]byte, 4*garbageMax)
	runtime.GC()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			BoundGarbage(ctx)
		}()
		time.Sleep(garbageEvery / 2)
		if now := percent(); now > 25 {
			t.Errorf("%d%% of what is in use may be garbage, want 25%% at most", now)
		}
		cancel()
		<-ended
		if now := percent(); now != 100 {
			t.Errorf("%d%% afterwards, want 100%%", now)
		}
	})
	runtime.KeepAlive(held)
}
