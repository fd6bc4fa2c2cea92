package detection

import "time"

const (
	// silenceMax is how long a machine hears from nobody before it takes itself for cut
	// off. It hears at least the answer of whom it watches and the question of its own
	// watcher each second.
	silenceMax = watchEvery + patienceMin
	// sweepShare is what part of all must be suspect for a fault that concerns many, and
	// sweepLeast how many at least.
	sweepShare = 8
	sweepLeast = 2
	// sweepEvery is the least time between two sweeps.
	sweepEvery = 2 * time.Second
	// sweepMax bounds the questions of one sweep. Those beyond it come with the next.
	sweepMax = 256
)

// sweepDue returns when all members are to be asked, for many may be out of reach; zero
// means that nothing hints at it.
func (m *Machine) sweepDue() time.Time {
	living := m.count(Living)
	if living == 0 {
		return time.Time{}
	}
	at := m.heard.Add(m.health.scale(silenceMax))
	if silent := m.count(Suspect); silent >= max(sweepLeast, (living+silent)/sweepShare) {
		at = m.now
	}
	if at.Before(m.sweepAt) {
		at = m.sweepAt
	}
	return at
}

// sweep asks all living members that are connected, each once, where that is due. Without
// it a machine that is cut off would find one after another that it watches silent.
func (m *Machine) sweep() {
	if !m.due(m.sweepDue()) {
		return
	}
	m.sweepAt = m.now.Add(sweepEvery)
	asked := 0
	for _, x := range m.members {
		if x.status == Living && x.connected && !x.question.open() && asked < sweepMax {
			asked++
			m.put(x)
		}
	}
}
