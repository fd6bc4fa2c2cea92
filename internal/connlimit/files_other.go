//go:build !unix

package connlimit

import "math"

// Files returns how many files this process may have open: on systems that do not say, as
// many as it likes.
func Files() int { return math.MaxInt }
