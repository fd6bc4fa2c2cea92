package detection

import (
	"cmp"
	"slices"
	"time"
)

// membersMax bounds the peers that are judged, as a directory of cities is bounded.
const membersMax = 4096

// A member is one peer that is judged. Times are the machine's own; a zero time is none.
type member struct {
	peer      Peer
	status    Status
	connected bool
	heard     time.Time // its last sign of life
	stamp     uint64    // the greatest that it has signed
	trip      roundTrip
	hints     budget // those that it gives

	question question
	missed   question  // the one that made it suspect, for what its late answer teaches
	askAt    time.Time // the next question to one that is suspect or failed
	since    time.Time // it is suspect or failed

	knockAt time.Time // the next dial of one that failed
	renewAt time.Time // its connections are ended, if it does not answer on them

	hinted      time.Time // somebody, or this machine, last hinted at it
	told        int       // own hints of this suspicion
	dialing     bool
	lost        bool      // its connection ended, and it was not dialed since
	tried       time.Time // the last dial's start
	apart       bool      // it is not connected, and the last dial failed
	dialAt      time.Time // where it is not connected: the time for a sign of its own
	probing     bool
	probedAt    time.Time
	asked       uint64 // number of the last question, which was put at askedAt
	askedAt     time.Time
	confirmFrom time.Time // no Confirm before
}

// A question is one that was put, or would have been if there were a connection.
type question struct {
	number  uint64 // 0: none
	at      time.Time
	probeAt time.Time // zero: was probed
	lapses  time.Time
}

func (q question) open() bool { return q.number != 0 }

// heardSince reports whether the peer gave a sign of life after that time.
func (m *member) heardSince(at time.Time) bool { return m.heard.After(at) }

// find returns the member and its position, or the position where it would stand.
func (m *Machine) find(p Peer) (*member, int) {
	i, ok := slices.BinarySearchFunc(m.members, p, func(x *member, p Peer) int { return cmp.Compare(x.peer, p) })
	if !ok {
		return nil, i
	}
	return m.members[i], i
}

// add has a peer judged from now on; nil where there are too many.
func (m *Machine) add(p Peer) *member {
	x, i := m.find(p)
	if x != nil || p == m.self || len(m.members) >= membersMax {
		return x
	}
	x = &member{peer: p, hints: newBudget(hintsAtOnce, hintsEvery)}
	m.members = slices.Insert(m.members, i, x)
	m.ring.forget()
	return x
}

// remove has a peer judged no more.
func (m *Machine) remove(p Peer) {
	if x, i := m.find(p); x != nil {
		m.members = slices.Delete(m.members, i, i+1)
		m.ring.forget()
	}
}
