//go:build linux

package netlab

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// queueFramesMax bounds the frames in flight on one directed pair. It is what a
// link of 50 Mbit/s carries in a second; so many frames take 6 MB.
const queueFramesMax = 4096

// A Link is how one direction between two hosts carries frames. The zero Link has
// no delay, no loss and no limit.
type Link struct {
	// Delay is the least time that a frame takes.
	Delay time.Duration
	// Jitter bounds the time that a frame takes beyond Delay. It is drawn at random
	// for each frame, so that frames overtake each other.
	Jitter time.Duration
	// Loss is the part of the frames that are lost, from 0 to 1.
	Loss float64
	// BytesPerSecond is how fast frames leave, one after another. 0 means at once.
	BytesPerSecond int
}

// Validate returns an error that names the first field with an impossible value.
func (l Link) Validate() error {
	switch {
	case l.Delay < 0:
		return fmt.Errorf("field Delay is %v, must not be negative", l.Delay)
	case l.Jitter < 0:
		return fmt.Errorf("field Jitter is %v, must not be negative", l.Jitter)
	case !(l.Loss >= 0 && l.Loss <= 1):
		return fmt.Errorf("field Loss is %v, must be from 0 to 1", l.Loss)
	case l.BytesPerSecond < 0:
		return fmt.Errorf("field BytesPerSecond is %d, must not be negative", l.BytesPerSecond)
	}
	return nil
}

// Counters are what a directed pair has done with its frames.
type Counters struct {
	Frames, Bytes uint64 // handed over

	// Frames dropped: because the pair was cut when they were sent or due, by
	// chance, because too many were in flight, and because the host did not take
	// them.
	Cut, Lost, Full, Refused uint64
}

// A direction is one directed pair of hosts.
type direction struct {
	Link
	cut      bool
	chance   *rand.Rand
	free     time.Time // when the last frame has left, if there is a bandwidth
	inFlight int
	counters Counters
}

// send returns when a frame that is sent now is due, or drops and counts the
// frame.
func (d *direction) send(now time.Time, frameBytes int) (due time.Time, ok bool) {
	switch {
	case d.cut:
		d.counters.Cut++
		return time.Time{}, false
	case d.Loss > 0 && d.chance.Float64() < d.Loss:
		d.counters.Lost++
		return time.Time{}, false
	case d.inFlight >= queueFramesMax:
		d.counters.Full++
		return time.Time{}, false
	}
	d.inFlight++
	due = d.leave(now, frameBytes).Add(d.Delay)
	if d.Jitter > 0 {
		due = due.Add(time.Duration(d.chance.Int64N(int64(d.Jitter))))
	}
	return due, true
}

// leave returns when a frame that is sent now has left.
func (d *direction) leave(now time.Time, frameBytes int) time.Time {
	if d.BytesPerSecond == 0 {
		return now
	}
	if d.free.Before(now) {
		d.free = now
	}
	d.free = d.free.Add(time.Duration(frameBytes) * time.Second / time.Duration(d.BytesPerSecond))
	return d.free
}

// arrive takes a frame that is due off the link and reports whether the frame gets
// through.
func (d *direction) arrive() bool {
	d.inFlight--
	if d.cut {
		d.counters.Cut++
		return false
	}
	return true
}

// handed counts a frame that got through, by whether the host took it.
func (d *direction) handed(frameBytes int, err error) {
	if err != nil {
		d.counters.Refused++
		return
	}
	d.counters.Frames++
	d.counters.Bytes += uint64(frameBytes)
}
