package detection

import "time"

const (
	// failAfter is how long a suspect has for a sign of life: six questions and a dial.
	failAfter = 3 * time.Second
	// suspectEvery and failedEvery are the times between two questions to a suspect and to
	// one that failed and is connected. A connection that was cut, and is not any more,
	// comes to life with the next question.
	suspectEvery = 500 * time.Millisecond
	failedEvery  = time.Second
	// confirmEvery is the least time between two Confirms of one member.
	confirmEvery = time.Second
)

// look does what is due of one member.
func (m *Machine) look(x *member) {
	if m.due(x.question.probeAt) {
		m.probe(x)
	}
	if m.due(x.question.lapses) {
		m.lapsed(x)
	}
	if m.due(x.dialAt) {
		x.dialAt = time.Time{}
		if x.status == Living && !x.heardSince(x.hinted) {
			m.suspect(x)
		}
	}
	if x.status == Suspect && x.wasAsked() && m.due(x.since.Add(failAfter)) {
		m.fail(x)
	}
	if m.due(x.askAt) {
		m.askAgain(x)
	}
	if m.due(x.knockAt) {
		m.knock(x)
	}
	if m.due(x.renewAt) {
		m.renew(x)
	}
	if m.due(m.hintAt(x)) {
		m.hint(x)
	}
}

// nextOf returns when look has something to do with a member again.
func (m *Machine) nextOf(x *member) time.Time {
	at := sooner(sooner(x.question.probeAt, x.question.lapses), sooner(x.dialAt, x.askAt))
	at = sooner(at, sooner(x.knockAt, x.renewAt))
	if x.status == Suspect && x.wasAsked() {
		at = sooner(at, x.since.Add(failAfter))
	}
	return sooner(at, m.hintAt(x))
}

// suspect begins a suspicion: the member has left a question unanswered.
func (m *Machine) suspect(x *member) {
	m.become(x, Suspect)
	x.told = 0
	x.askAt = m.now
	m.watchAt = m.now // whoever it watches is without a watcher, if it is dead
	m.probe(x)
	if x.connected {
		x.knockAt = m.now.Add(knockEvery) // a pause of its process may be over by then
	} else {
		m.dial(x)
	}
	m.hint(x)
}

// wasAsked reports whether a suspect was asked, or dialed, since it is one. Where too many
// dials are under way one that is not connected waits.
func (x *member) wasAsked() bool { return !x.askedAt.Before(x.since) || !x.tried.Before(x.since) }

// fail ends a suspicion.
func (m *Machine) fail(x *member) {
	m.become(x, Failed)
	x.question, x.missed, x.dialAt = question{}, question{}, time.Time{}
	x.askAt = m.now.Add(failedEvery)
	x.knockAt = x.askAt
}

// become sets another status.
func (m *Machine) become(x *member, to Status) {
	x.status, x.since = to, m.now
	m.do(Became{x.peer, to})
}

// askAgain puts a further question to a member that is suspect or failed.
func (m *Machine) askAgain(x *member) {
	switch {
	case x.status == Suspect:
		x.askAt = m.now.Add(suspectEvery)
		m.put(x)
		x.question.probeAt = time.Time{}
	case x.status == Failed && x.connected:
		x.askAt = m.now.Add(failedEvery)
		m.put(x)
		x.question.probeAt = time.Time{}
	default:
		x.askAt = time.Time{}
	}
}

// lives notes a sign of life of a member.
func (m *Machine) lives(x *member) {
	x.heard, m.heard = m.now, m.now
	x.dialAt = time.Time{}
	switch {
	case x.status == Suspect:
		x.askAt, x.knockAt = time.Time{}, time.Time{}
		m.become(x, Living)
	case x.status == Failed && !x.confirmFrom.After(m.now):
		x.confirmFrom = m.now.Add(confirmEvery)
		m.do(Confirm{x.peer})
		if !x.connected {
			m.do(Return{})
		}
	}
}

// confirmed takes in a member that has proved who it is, or takes it back. Where it comes
// back and nobody was alive, it was this machine that was away.
func (m *Machine) confirmed(e Alive) {
	x, _ := m.find(e.Peer)
	if x == nil {
		if x = m.add(e.Peer); x == nil {
			return
		}
		x.connected = e.Connected
		x.since, x.heard, m.heard = m.now, m.now, m.now
		if x.connected {
			m.ask(x)
		}
		return
	}
	x.connected = e.Connected
	if e.Restarted {
		x.stamp, x.trip = 0, roundTrip{}
	}
	if x.status == Failed {
		if m.count(Living) == 0 {
			m.sayLive()
		}
		x.askAt, x.knockAt = time.Time{}, time.Time{}
		m.become(x, Living)
		if m.count(Failed) > 0 {
			m.do(Return{})
		}
	}
	m.lives(x)
}

// gone forgets a member. Its dial, if there is one, still ends in Dialed.
func (m *Machine) gone(p Peer) { m.remove(p) }

// connected notes a new connection, on which a question is put once.
func (m *Machine) connected(x *member) {
	x.connected, x.apart = true, false
	if x.status == Living {
		x.question = question{}
		m.ask(x)
		return
	}
	x.askAt = m.now
}

// disconnected notes the end of the last connection, which may be that of the process.
func (m *Machine) disconnected(x *member) {
	x.connected, x.renewAt = false, time.Time{}
	if x.status != Living {
		return
	}
	x.question = question{}
	x.lost = true
	m.probe(x)
}

// count returns how many members have that status.
func (m *Machine) count(s Status) (n int) {
	for _, x := range m.members {
		if x.status == s {
			n++
		}
	}
	return n
}
