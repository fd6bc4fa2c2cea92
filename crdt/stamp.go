package crdt

import (
	"math"
	"time"
)

const (
	stampCounterBits = 16
	stampMillisMax   = 1<<48 - 1
)

// Stamp is a hybrid logical time (Kulkarni et al., 2014): 48 bits of Unix
// milliseconds, then 16 bits of a counter that orders what one millisecond
// holds. Stamps compare as integers; 0 is before all time.
type Stamp uint64

// NoHorizon, as the horizon of [State.Merge], takes no stamp for a future one.
const NoHorizon Stamp = math.MaxUint64

// FutureSkewMax is how far ahead of a city's clock a hero's stamp may be for the
// city to take the hero from others now. Later it is taken; tombstones are taken
// always.
const FutureSkewMax = 60 * time.Second

// StampAt returns the first stamp of t's millisecond, clamped to what 48 bits
// hold: 1970 to the year 10889.
func StampAt(t time.Time) Stamp {
	ms := min(max(t.UnixMilli(), 0), stampMillisMax)
	return Stamp(ms) << stampCounterBits
}

// Time returns the wall-clock part in UTC, with a resolution of 1 ms.
func (s Stamp) Time() time.Time {
	return time.UnixMilli(int64(s >> stampCounterBits)).UTC()
}

// Add moves the stamp by d, rounded toward zero to whole milliseconds, and
// keeps the counter. It saturates at the least and the greatest stamp.
func (s Stamp) Add(d time.Duration) Stamp {
	ms := d.Milliseconds() // below 2^44 either way, so the shift is safe
	if ms < 0 {
		back := Stamp(-ms) << stampCounterBits
		if back > s {
			return 0
		}
		return s - back
	}
	moved := s + Stamp(ms)<<stampCounterBits
	if moved < s {
		return math.MaxUint64
	}
	return moved
}

// Next returns the stamp right after s; the greatest stamp is its own next.
func (s Stamp) Next() Stamp {
	if s == math.MaxUint64 {
		return s
	}
	return s + 1
}

// EarliestSet is the earliest time that a clock which was ever set shows: the start
// of 2025, before the first program of this kind ran. What is stamped earlier was
// stamped by a clock that was wrong.
var EarliestSet = StampAt(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
