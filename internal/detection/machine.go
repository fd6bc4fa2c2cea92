package detection

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// watchEvery is the time between two questions to the peer that this one watches.
	watchEvery = time.Second
	// othersEvery is the time between two questions to others, in rounds: what a peer whom
	// nobody watches, since all who should are false, can count on.
	othersEvery = 4 * time.Second
)

// A Machine judges peers. It has one owner and is not safe for concurrent use.
type Machine struct {
	self    Peer
	rand    *rand.Rand
	members []*member // by name
	ring    ring
	round   []Peer // those who are to be asked still, of the others
	health  health

	wall, now time.Time // of the step that runs, and in the machine's own time
	heard     time.Time // when it heard from anybody last
	watchAt   time.Time
	othersAt  time.Time
	sweepAt   time.Time // no sweep before
	liveAt    time.Time // the next Live; zero: none is due
	liveFrom  time.Time // no Live before
	hints     budget    // those that it gives
	visits    budget    // of those whose connections ended
	dials     int       // that have not ended

	out []Effect // of the step that runs
}

// New returns a machine that judges nobody yet. Its rounds, and the pauses by which many
// machines avoid doing one thing at once, are drawn from random.
func New(self Peer, random *rand.Rand) *Machine {
	return &Machine{self: self, rand: random, hints: newBudget(hintsAtOnce, hintsEvery), visits: newBudget(visitsAtOnce, visitsEvery)}
}

// Step takes an event that happens at a time, which must not go back by its monotonic
// reading, and returns what is to be done. The slice is valid until the next Step.
func (m *Machine) Step(wall time.Time, e Event) []Effect {
	m.out = m.out[:0]
	lost := m.health.lost
	m.wall, m.now = wall, m.health.now(wall)
	if m.health.lost-lost >= awayMin {
		m.sayLive() // others may have missed this one
	}
	m.take(e)
	m.run()
	m.health.due = m.next()
	return m.out
}

// Next returns when a Tick is due, if nothing happens before; zero means not before
// something happens.
func (m *Machine) Next() time.Time {
	if m.health.due.IsZero() {
		return time.Time{}
	}
	return m.health.due.Add(m.health.lost)
}

func (m *Machine) do(e Effect) { m.out = append(m.out, e) }

// take notes an event. What is due by it, or by the time, is done by run.
func (m *Machine) take(e Event) {
	switch e := e.(type) {
	case Tick:
	case Alive:
		m.confirmed(e)
	case Gone:
		m.gone(e.Peer)
	case Heard:
		m.news(e)
	case Connected:
		m.each(e.Peer, m.connected)
	case Disconnected:
		m.each(e.Peer, m.disconnected)
	case Answered:
		m.each(e.Peer, func(x *member) { m.answered(x, e.Number) })
	case Asked:
		m.each(e.Peer, m.lives)
	case Dialed:
		m.dialed(e)
	case Probed:
		m.each(e.Peer, func(x *member) { m.probed(x, e.Refused) })
	default:
		panic(fmt.Sprintf("detection: unknown event %T", e))
	}
}

// each calls f with the member of that name, if there is one.
func (m *Machine) each(p Peer, f func(*member)) {
	if x, _ := m.find(p); x != nil {
		f(x)
	}
}

// run does all that is due, so that next is later than now.
func (m *Machine) run() {
	for _, x := range m.members {
		m.look(x)
	}
	m.visit()
	m.tellAlive()
	m.sweep()
	m.watch()
	m.askOthers()
}

// next returns when run has something to do again, in the machine's own time.
func (m *Machine) next() (at time.Time) {
	if len(m.members) == 0 {
		return at
	}
	at = sooner(sooner(m.watchAt, m.othersAt), sooner(m.liveAt, m.sweepDue()))
	at = sooner(at, m.visitDue())
	for _, x := range m.members {
		at = sooner(at, m.nextOf(x))
	}
	return at
}

// sooner returns the earlier of two times. A zero time means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// due reports whether a time has come. A zero time never does.
func (m *Machine) due(at time.Time) bool { return !at.IsZero() && !at.After(m.now) }

// watch puts a question to the first living member after this one on the ring. Those
// before it are suspect, and are asked anyway.
func (m *Machine) watch() {
	if len(m.members) == 0 || m.watchAt.After(m.now) {
		return
	}
	m.watchAt = m.now.Add(watchEvery)
	m.ring.walk(m.self, m.members, m.wall, func(x *member) bool {
		if x.status == Living {
			m.ask(x)
		}
		return x.status != Living
	})
}

// askOthers puts a question to the next of the round that is connected. Each round has all,
// in an order that nobody else knows.
func (m *Machine) askOthers() {
	if len(m.members) == 0 || m.othersAt.After(m.now) {
		return
	}
	m.othersAt = m.now.Add(othersEvery)
	for turn := 0; turn < 2; turn++ {
		for len(m.round) > 0 {
			p := m.round[len(m.round)-1]
			m.round = m.round[:len(m.round)-1]
			if x, _ := m.find(p); x != nil && x.status == Living && x.connected {
				m.ask(x)
				return
			}
		}
		for _, x := range m.members {
			m.round = append(m.round, x.peer)
		}
		m.rand.Shuffle(len(m.round), func(i, j int) { m.round[i], m.round[j] = m.round[j], m.round[i] })
	}
}

// Standing returns what the machine thinks of a peer and how long its answers take, 0 where
// none has come; false where it does not judge the peer.
func (m *Machine) Standing(p Peer) (status Status, trip time.Duration, judged bool) {
	x, _ := m.find(p)
	if x == nil {
		return Living, 0, false
	}
	return x.status, x.trip.mean, true
}
