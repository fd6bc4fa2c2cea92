//go:build !windows

package crdt_test

import (
	"syscall"
	"time"
)

// cpuTime returns what the process has used, on all processors: the collection
// of garbage counts, other processes do not.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
