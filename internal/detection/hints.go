package detection

import "time"

const (
	// hintAgain is how long a hint about a member stands: no other is given meanwhile, and
	// who gave it gives it once more after that, for a hint may be lost.
	hintAgain = time.Second
	hintsEach = 2
	// dialPause is what a machine that is not connected to a member waits, besides a round
	// trip, for the member's own signed sign of life before it dials: if all dialed at once
	// a hint would be a storm.
	dialPause       = 150 * time.Millisecond
	dialPauseSpread = 100 * time.Millisecond
	// liveEvery is the least time between two signed signs of life of this machine.
	liveEvery = 500 * time.Millisecond
	// awayMin is after how long a pause of its own a machine says that it lives: some may
	// suspect it by then.
	awayMin = time.Second
)

// hint tells the others that a member does not answer, unless that was just told or half of
// all are silent: then it is likelier that nobody hears this machine.
func (m *Machine) hint(x *member) {
	fresh := !x.hinted.IsZero() && m.now.Sub(x.hinted) < hintAgain
	if fresh || m.isDeaf() || !m.hints.spend(m.now) {
		x.told = hintsEach // neither now nor later
		return
	}
	x.told++
	x.hinted = m.now
	m.do(Tell{x.peer})
}

// hintAt returns when a hint is given again.
func (m *Machine) hintAt(x *member) time.Time {
	if x.status != Suspect || x.told == 0 || x.told >= hintsEach {
		return time.Time{}
	}
	return x.hinted.Add(hintAgain)
}

// isDeaf reports whether half of all that are not failed, this one counted, are silent.
func (m *Machine) isDeaf() bool {
	silent := m.count(Suspect)
	return 2*silent >= m.count(Living)+silent+1
}

// news takes what a member has signed: a sign of life, and perhaps a hint. Stamps rise, so
// that nobody can say it again for the member. A member that failed is asked first.
func (m *Machine) news(e Heard) {
	x, _ := m.find(e.Peer)
	if x == nil || e.Stamp <= x.stamp {
		return
	}
	x.stamp = e.Stamp
	heeded := x.status != Failed
	// Of one that cannot be reached a sign that others pass on shows only that it lives
	// somewhere: it counts as failed here.
	if x.status != Suspect || !x.apart {
		m.lives(x)
	}
	if e.About != "" && heeded && x.hints.spend(m.now) {
		m.hinted(e.About)
	}
}

// hinted looks into a hint about a member, by asking it. Nothing is believed.
func (m *Machine) hinted(about Peer) {
	if about == m.self {
		m.sayLive()
		return
	}
	x, _ := m.find(about)
	if x == nil || x.status == Failed {
		return
	}
	x.hinted = m.now
	switch {
	case x.status == Suspect || m.now.Sub(x.askedAt) < askedAgain: // it is being asked
	case x.connected:
		m.ask(x)
	case x.dialAt.IsZero():
		pause := dialPause + time.Duration(m.rand.Int64N(int64(dialPauseSpread)))
		x.dialAt = m.now.Add(m.health.scale(x.trip.mean + pause))
	}
}

// sayLive has this machine say soon that it lives.
func (m *Machine) sayLive() {
	if !m.liveAt.IsZero() {
		return
	}
	m.liveAt = m.liveFrom
	if m.liveAt.Before(m.now) {
		m.liveAt = m.now
	}
}

// tellAlive says that this machine lives, where that is due.
func (m *Machine) tellAlive() {
	if !m.due(m.liveAt) {
		return
	}
	m.liveAt, m.liveFrom = time.Time{}, m.now.Add(liveEvery)
	m.do(Live{})
}
