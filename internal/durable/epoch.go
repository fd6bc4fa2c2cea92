package durable

import (
	"fmt"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/store"
)

// errVoided ends an incarnation whose store was voided.
var errVoided = fmt.Errorf("the city was %w", city.ErrBombed)

// learnEpoch notes the store's epoch. The store's epoch is the truth: an
// incarnation that began under another one has lost all that it stored, and ends.
// It may hear so from the bomb itself, from a commit that the bomb overtook, or
// from a store that had failed during the bomb and works again.
func (m *Machine) learnEpoch(epoch store.Epoch) {
	m.epoch = max(m.epoch, epoch) // news of two bombs may come in either order
	if m.voided() {
		// The store would refuse what waits. The log stays until the next Begin, so that
		// Written tells the loop why it has to end.
		m.log.take()
		m.log.rewrite = nil
		m.do(News{})
	}
}

// voided reports whether the present incarnation's store was voided.
func (m *Machine) voided() bool { return m.log != nil && m.log.epoch != m.epoch }
