package durable

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/internal/store"
)

// survives fails the test unless a power cut takes nothing of what the city holds.
func (r *run) survives(t *testing.T) {
	t.Helper()
	held := r.summary()
	r.kill()
	again := start(t, r.place)
	defer again.stop()
	if got := again.summary(); got != held {
		t.Errorf("after the cut it holds %v, want %v", got, held)
	}
}

func TestWhatWasAnsweredSurvivesAPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		for n := range 10 {
			gotham.created(n)
		}
		gotham.survives(t)
	})
}

// What neighbours sent is written without a sync: they have it.
func TestAPowerCutTakesOnlyWhatNeighboursSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		held := gotham.summary()
		gotham.merge(100, 200)
		synctest.Wait()
		gotham.kill()
		again := start(t, &place)
		defer again.stop()
		if got := again.summary(); got != held {
			t.Errorf("after the cut it holds %v, want %v", got, held)
		}
	})
}

func TestAnOrderThatWaitsForTheDiskAtAPowerCutIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		held := gotham.summary()
		goOn := place.Stall()
		waits := gotham.create(2)
		place.Kill()
		goOn()
		if err := answered(t, waits, time.Minute); err == nil {
			t.Error("it was answered")
		}
		gotham.stop()
		again := start(t, &place)
		defer again.stop()
		if got := again.summary(); got != held {
			t.Errorf("after the cut it holds %v, want %v", got, held)
		}
	})
}

// Nothing is synced after the last page of the rewrite, which holds for all pages.
func TestAStateThatWasWrittenAnewSurvivesAPowerCut(t *testing.T) {
	t.Run("after the store was too slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var place store.Memory
			gotham := start(t, &place, func(c *Config) { c.WaitingBytesMax = 100 })
			goOn := place.Stall()
			gotham.merge(0, 10)
			synctest.Wait()
			gotham.merge(10, 20)
			gotham.merge(20, 20_000) // is left out
			goOn()
			synctest.Wait()
			gotham.survives(t)
		})
	})
	t.Run("after the store had failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var place store.Memory
			gotham := start(t, &place)
			gotham.created(1)
			place.Fail(syscall.EIO)
			gotham.merge(100, 20_000)
			synctest.Wait()
			place.Fail(nil)
			time.Sleep(time.Minute)
			if fault := gotham.writer.Fault(); fault != nil {
				t.Error(fault)
			}
			gotham.survives(t)
		})
	})
}

func TestABombThatWasAnsweredSurvivesAPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		if err := gotham.writer.Raise(); err != nil {
			t.Fatal(err)
		}
		gotham.kill()
		again := start(t, &place)
		defer again.stop()
		if got := again.summary().Heroes; got != 0 {
			t.Errorf("%d heroes are back", got)
		}
	})
}

// A city that forgot its last incarnation could number a later one the same.
func TestTheNumberOfAnIncarnationSurvivesAPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		last := gotham.writer.cfg.Facts.Incarnation()
		gotham.kill()
		again, err := place.Open(store.Config{Identity: store.Identity{City: "gotham", Network: "test", Peer: "a peer"}})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if got := again.Facts().Incarnation; got != last {
			t.Errorf("the last incarnation is %v, want %v", got, last)
		}
	})
}
