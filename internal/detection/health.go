package detection

import "time"

const (
	// lateMin is how late the machine may be told of a time before that counts: the pauses
	// of a scheduler and of a collector are shorter.
	lateMin = 100 * time.Millisecond
	// healthMax bounds how much longer a machine that was often late waits for others.
	healthMax = 4
)

// A health is how well this machine runs, after Lifeguard (Dadgar and others, 2018): one
// that is itself late waits longer before it judges others. Its time stands still while
// it is held up, so that nobody is judged by what it missed.
type health struct {
	points int           // 0 is well
	lost   time.Duration // held up, in all
	due    time.Time     // in its own time; zero: nothing was due
}

// now returns the machine's own time, and counts what was lost since it was due. To be
// told early is usual: something happened.
func (h *health) now(wall time.Time) time.Time {
	own := wall.Add(-h.lost)
	if late := own.Sub(h.due); !h.due.IsZero() && late > lateMin {
		h.points = min(h.points+1, healthMax)
		h.lost += late
		own = own.Add(-late)
	}
	return own
}

// well notes an answer in time.
func (h *health) well() { h.points = max(h.points-1, 0) }

// scale returns a time to wait, longer where the machine is not well.
func (h *health) scale(d time.Duration) time.Duration { return d + d*time.Duration(h.points)/2 }
