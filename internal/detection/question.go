package detection

import "time"

const (
	// dialsMax bounds the dials that have not ended. A dial of a peer that is cut off takes
	// seconds.
	dialsMax = 16
	// dialPatienceMin is the least time in which a dial may succeed before its peer is
	// suspect: a dial takes some round trips and two signatures.
	dialPatienceMin = 700 * time.Millisecond
	// renewAfter is how much longer than a dial an answer on an old connection may take: a
	// few round trips of a network that is slow and loses packets.
	renewAfter = 2 * time.Second
	// renewFailed is the same for a member that failed, so was silent for seconds.
	renewFailed = 700 * time.Millisecond
	// askedAgain is the least time between two questions that hints lead to, however many
	// hints come.
	askedAgain = 250 * time.Millisecond
)

// ask puts a question to a member unless one is open.
func (m *Machine) ask(x *member) {
	if !x.question.open() {
		m.put(x)
	}
}

// put puts a question to a member, on a connection or by a dial. It puts none where too
// many dials are under way.
func (m *Machine) put(x *member) {
	if !x.connected && !m.dial(x) {
		return
	}
	x.asked++
	x.askedAt = m.now
	x.question = question{number: x.asked, at: m.now}
	wait := x.trip.patience()
	if x.connected {
		x.question.probeAt = m.now.Add(m.health.scale(x.trip.probeAfter()))
		m.do(Ask{x.peer, x.asked})
	} else {
		wait = max(dialPatienceMin, 2*wait)
	}
	if x.status == Living { // any other is judged by its last sign of life
		x.question.lapses = m.now.Add(m.health.scale(wait))
	}
}

// dial begins a dial of a member. It reports false where there is none, for too many are
// under way.
func (m *Machine) dial(x *member) bool {
	if x.dialing {
		return true
	}
	if m.dials >= dialsMax {
		return false
	}
	x.dialing, x.tried = true, m.now
	m.dials++
	if x.connected || x.status == Failed {
		m.do(Knock{x.peer})
	} else {
		m.do(Dial{x.peer})
	}
	return true
}

// dialed notes the end of a dial. One that failed is a question without an answer where
// there is no other connection.
func (m *Machine) dialed(e Dialed) {
	m.dials = max(m.dials-1, 0)
	x, _ := m.find(e.Peer)
	if x == nil {
		return
	}
	x.dialing = false
	if x.status == Failed {
		x.knockAt = m.now.Add(m.knockPause(x))
	}
	x.apart = !e.OK && !x.connected
	if e.OK {
		m.reached(x)
		return
	}
	if !x.connected && x.question.open() {
		m.lapsed(x)
	}
}

// reached notes that a member has proved that it lives by a dial. Connections on which it
// stays silent after that are of no use.
func (m *Machine) reached(x *member) {
	if !x.connected {
		x.question = question{}
		m.lives(x)
		return
	}
	wait := renewAfter
	if x.status == Failed { // it was silent for long
		wait = renewFailed
	}
	x.renewAt = m.now.Add(m.health.scale(wait))
	m.lives(x)
	m.put(x)
	if x.question.open() && x.status == Living { // it lives, so the question is put to the connection
		x.question.lapses = x.renewAt.Add(m.health.scale(x.trip.patience()))
	}
}

// renew ends the connections of a member that is silent on them and not otherwise.
func (m *Machine) renew(x *member) {
	x.renewAt = time.Time{}
	if x.connected {
		m.do(Renew{x.peer})
	}
}

// probe has the address of a member probed.
func (m *Machine) probe(x *member) {
	x.question.probeAt = time.Time{}
	if !x.probing {
		x.probing, x.probedAt = true, m.now
		m.do(Probe{x.peer})
	}
}

// probed notes the end of a probe. A refusal proves that no process is there, unless the
// member has given a sign of life meanwhile.
func (m *Machine) probed(x *member, refused bool) {
	x.probing = false
	if !refused || x.heardSince(x.probedAt) || x.status == Failed {
		return
	}
	if x.status == Suspect || !x.connected || x.question.open() {
		m.hint(x)
		m.fail(x)
	}
}

// answered notes an answer. It teaches how long answers take if it is the answer to the
// open question, or to the one that made the member suspect.
func (m *Machine) answered(x *member, number uint64) {
	switch {
	case x.question.open() && number == x.question.number:
		x.trip.sample(m.now.Sub(x.question.at))
		m.health.well()
		x.question = question{}
	case x.missed.open() && number == x.missed.number:
		x.trip.sample(m.now.Sub(x.missed.at))
	}
	x.missed, x.renewAt = question{}, time.Time{}
	m.lives(x)
}

// lapsed ends a question that had no answer in time.
func (m *Machine) lapsed(x *member) {
	missed := x.question
	x.question = question{}
	if x.status == Living && !x.heardSince(missed.at) {
		x.missed = missed
		m.suspect(x)
	}
}
