//go:build unix

package connlimit

import (
	"math"

	"golang.org/x/sys/unix"
)

// Files returns how many files this process may have open.
func Files() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) // its type differs between systems
}
