//go:build unix

package node

import (
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// detectionCPUMax is what share of a core detection may take of a city, besides all else.
const detectionCPUMax = 0.002

// The cities run in this process and in virtual time, so that only what they do is counted,
// however busy the machine is. The packets pass no kernel: detection has a city send and
// receive some six more a second, whose system calls take some 50 us.
func TestDetectionTakesLittleOfACore(t *testing.T) {
	if *detectionFlag == 0 {
		t.Skip("takes minutes: make detection")
	}
	for _, n := range slices.Compact([]int{20, *detectionFlag}) {
		without := coreTaken(t, n, true)
		with := coreTaken(t, n, false)
		t.Logf("each of %d cities takes %.3f %% of a core, and %.3f %% without detection: it costs %.3f %%",
			n, 100*with, 100*without, 100*(with-without))
		if with-without > detectionCPUMax {
			t.Errorf("want at most %.3f %%", 100*detectionCPUMax)
		}
	}
}

// coreTaken returns what share of a core each of n idle cities takes.
func coreTaken(t *testing.T, n int, unwatched bool) (each float64) {
	synctest.Test(t, func(t *testing.T) {
		const lasts = 4 * time.Minute
		detectorsAs(t, newSimNet(t), n, func(cfg *Config) { cfg.unwatched = unwatched })
		before := processorTime(t)
		time.Sleep(lasts)
		each = (processorTime(t) - before).Seconds() / lasts.Seconds() / float64(n)
	})
	return each
}

// processorTime returns how long this process has run on any core.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
