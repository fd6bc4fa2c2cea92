package detection

import "time"

const (
	// visitsAtOnce and visitsEvery bound the dials of members whose connections ended.
	// Where there are more connections than a connection manager leaves, this machine would
	// else have each that it closes back at once, to be closed again.
	visitsAtOnce = dialsMax
	visitsEvery  = 10 * time.Second
)

// isLost reports whether a member is to be dialed, for its connection ended.
func (x *member) isLost() bool { return x.lost && !x.connected && x.status == Living }

// visit dials members whose connections ended, to see whether they live. Those for whom it
// has no token yet come later; meanwhile they are watched by others.
func (m *Machine) visit() {
	for _, x := range m.members {
		if !x.isLost() {
			x.lost = false
			continue
		}
		if m.dials >= dialsMax || !m.visits.spend(m.now) {
			return
		}
		x.lost = false
		m.ask(x)
	}
}

// visitDue returns when visit has a member to dial, zero where nothing but an end of a dial
// leads to it.
func (m *Machine) visitDue() (at time.Time) {
	if m.dials >= dialsMax {
		return at
	}
	for _, x := range m.members {
		if x.isLost() {
			return m.visits.next()
		}
	}
	return at
}
