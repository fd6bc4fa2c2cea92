package supervise

import (
	"slices"
	"time"
)

// intensity is OTP's rule of how often children may be restarted. It is pure:
// the time is given.
type intensity struct {
	restartsMax int
	period      time.Duration
	times       []time.Time // of the restarts in the last period, at most restartsMax+1
}

// restart reports whether one more restart at now is within the intensity.
// Restarts count until they are more than one period old. Calls come in the
// order of time; after the first false nothing is asked any more.
func (in *intensity) restart(now time.Time) bool {
	old := func(t time.Time) bool { return now.Sub(t) > in.period }
	in.times = append(slices.DeleteFunc(in.times, old), now)
	return len(in.times) <= in.restartsMax
}
