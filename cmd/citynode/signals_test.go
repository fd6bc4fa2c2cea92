package main

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyALaterSignalEndsACityAtOnce(t *testing.T) {
	for _, row := range []struct {
		name  string
		after []time.Duration // of the signals, since the first
		stops int
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
				stops, late, ends, begin := 0, 0, time.Duration(-1), time.Now()
				s := stopper{
					say:  func(os.Signal) {},
					late: func() { late++ },
					stop: func(error) { stops++ },
					exit: func(code int) {
						if ends < 0 && code == exitFailure {
							ends = time.Since(begin)
						}
					},
				}
				go s.heed(signals)
				for _, at := range row.after {
					time.Sleep(time.Until(begin.Add(at)))
					signals <- syscall.SIGTERM
				}
				synctest.Wait()
				if stops != row.stops || ends != row.ends {
					t.Errorf("it was stopped %d times and ended at %v, want %d, %v", stops, ends, row.stops, row.ends)
				}
				time.Sleep(time.Until(begin.Add(stopMax)))
				synctest.Wait()
				if row.ends < 0 && (ends != stopMax || late != 1) {
					t.Errorf("a city that hangs ended at %v, want %v; that was said %d times", ends, stopMax, late)
				}
				close(signals)
			})
		})
	}
}
