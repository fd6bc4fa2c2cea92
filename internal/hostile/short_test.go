//go:build linux

package hostile

import (
	"flag"
	"time"
)

// short asks for the short form, for machines that do other things at the same time: it
// prints times, and judges only what does not depend on them.
var short = flag.Bool("hostile.short", false, "judge nothing that a busy machine changes")

// shortMax is how long the short form waits for what must happen: so long that only what
// never happens takes longer.
const shortMax = 2 * time.Minute

// atMost returns how long something may take, which in the short form is very long.
func atMost(long time.Duration) time.Duration {
	if *short {
		return max(long, shortMax)
	}
	return long
}
