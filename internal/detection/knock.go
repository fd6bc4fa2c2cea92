package detection

import "time"

const (
	// knockEvery is the pause between two dials of a member that failed lately: a short cut
	// is over within seconds, and over TCP a connection that was cut sends the next packet
	// only after as long again.
	knockEvery = time.Second
	// knockLately is how long after its failure a member counts as such. After that the
	// pause is knockShare of how long it has been failed, up to knockEveryMax.
	knockLately   = time.Minute
	knockShare    = 16
	knockEveryMax = time.Minute
	// knockApart is the pause between two dials of any, where as many have failed as live:
	// then the network is parted, and one that is reached leads to the others.
	knockApart = 3 * time.Second
)

// knock dials a member that failed.
func (m *Machine) knock(x *member) {
	x.knockAt = time.Time{}
	if x.status == Failed && !m.dial(x) {
		x.knockAt = m.now.Add(knockEvery)
	}
}

// knockPause returns the pause before the next dial of a member that failed.
func (m *Machine) knockPause(x *member) time.Duration {
	age := m.now.Sub(x.since)
	if age < knockLately {
		return knockEvery
	}
	pause := min(age/knockShare, knockEveryMax)
	if failed := m.count(Failed); failed >= m.count(Living) {
		pause = min(pause, time.Duration(failed)*knockApart)
	}
	return pause
}
