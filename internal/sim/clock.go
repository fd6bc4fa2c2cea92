package sim

import "time"

// epoch is the true time at which every simulation starts.
var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// driftMax is how fast or slow a clock may run, in millionths.
const driftMax = 50_000

// clock is a city's wall clock: true time, an offset, and a drift.
type clock struct {
	offset time.Duration // at the time since
	since  time.Duration // true time
	drift  int64         // in millionths of the time since
}

// newClock returns a clock that is as wrong as the profile has it, from now on.
func (w *world) newClock() clock {
	return clock{offset: w.profile.offset(w.rng), since: w.now, drift: w.profile.drift(w.rng)}
}

// at returns what the clock shows at a true time.
func (c clock) at(true time.Duration) time.Time {
	return epoch.Add(true + c.skew(true))
}

// skew returns how far the clock is ahead.
func (c clock) skew(true time.Duration) time.Duration {
	return c.offset + time.Duration(int64(true-c.since)*c.drift/1_000_000)
}

// jumped returns the clock after a jump.
func (c clock) jumped(true, by time.Duration) clock {
	return clock{offset: c.skew(true) + by, since: true, drift: c.drift}
}
