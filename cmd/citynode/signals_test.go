package main

import (
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// endOf returns when a process has ended.
func endOf(ends *atomic.Int64) time.Duration { return time.Duration(ends.Load()) }

func TestOnlyALaterSignalEndsACityAtOnce(t *testing.T) {
	for _, row := range []struct {
		name  string
		after []time.Duration // of the signals, since the first
		stops int64
		ends  time.Duration // of the process; -1: it has not ended after 9 s
	}{
		{"one", []time.Duration{0}, 1, -1},
		{"two at once", []time.Duration{0, 0}, 1, -1},
		{"two within half a second", []time.Duration{0, 499 * time.Millisecond}, 1, -1},
		{"many within half a second", []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 499 * time.Millisecond}, 1, -1},
		{"two half a second apart", []time.Duration{0, 500 * time.Millisecond}, 1, 500 * time.Millisecond},
		{"a third later", []time.Duration{0, 100 * time.Millisecond, 600 * time.Millisecond}, 1, 600 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal)
				var stops, late, ends atomic.Int64 // ends: when, in nanoseconds
				begin := time.Now()
				ends.Store(-1)
				s := stopper{
					say:  func(os.Signal) {},
					late: func() { late.Add(1) },
					stop: func(error) { stops.Add(1) },
					exit: func(code int) {
						if code == exitFailure {
							ends.CompareAndSwap(-1, int64(time.Since(begin)))
						}
					},
				}
				go s.heed(signals)
				for _, at := range row.after {
					time.Sleep(time.Until(begin.Add(at)))
					signals <- syscall.SIGTERM
				}
				synctest.Wait()
				if at := endOf(&ends); stops.Load() != row.stops || at != row.ends {
					t.Errorf("it was stopped %d times and ended at %v, want %d, %v", stops.Load(), at, row.stops, row.ends)
				}
				time.Sleep(time.Until(begin.Add(stopMax)))
				synctest.Wait()
				if at := endOf(&ends); row.ends < 0 && (at != stopMax || late.Load() != 1) {
					t.Errorf("a city that hangs ended at %v, want %v; that was said %d times", at, stopMax, late.Load())
				}
				close(signals)
			})
		})
	}
}
