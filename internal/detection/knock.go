package detection

import "time"

const (
	// knockEvery is the pause between two dials of a member that failed lately: a short cut
	// is over within seconds, and over TCP a connection that was cut sends the next packet
	// only after as long again.
	knockEvery = time.Second
	// knocksMax bounds the dials of members that do not answer at once. Where a machine is
	// too busy for all that run on it, the signatures of more would keep it so.
	knocksMax = 4
	// knockLately is how long after its failure a member counts as such. After that the
	// pause is knockShare of how long it has been failed, up to knockEveryMax.
	knockLately   = time.Minute
	knockShare    = 16
	knockEveryMax = time.Minute
	// knockApart is the pause between two dials of any, where as many have failed as live:
	// then the network is parted, and one that is reached leads to the others.
	knockApart = 3 * time.Second
)

// knock dials a member that is suspect or failed, and has its address probed once more.
func (m *Machine) knock(x *member) {
	x.knockAt = time.Time{}
	switch {
	case x.status == Living:
	case m.dials >= knocksMax || !m.dial(x):
		x.knockAt = m.now.Add(m.health.scale(knockEvery))
	case x.status == Suspect:
		m.probe(x)
	}
}

// knockPause returns the pause before the next dial of a member that failed.
func (m *Machine) knockPause(x *member) time.Duration {
	age := m.now.Sub(x.since)
	if age < knockLately {
		return m.health.scale(knockEvery)
	}
	pause := min(age/knockShare, knockEveryMax)
	if failed := m.count(Failed); failed >= m.count(Living) {
		pause = min(pause, time.Duration(failed)*knockApart)
	}
	return pause
}
