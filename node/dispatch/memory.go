package dispatch

import (
	"errors"
	"fmt"
	"slices"

	"github.com/citynode/citynode/crdt"
)

// settledMax is how many heroes that are no longer at the followed location a
// memory keeps: those that left last, and the dead. Some megabytes; a city whose
// view is older than so many departures is rare.
const settledMax = 1 << 16

// ErrTooManyEntries is matched by the error of a Follow that would have to
// remember more than Config.RememberedMax entries.
var ErrTooManyEntries = errors.New("too many entries to remember")

// A memory is what one Follow has told: the last version of each hero, and the
// deaths. What a city says is a change only against the memory, so nothing is
// told twice and no older version is told after a newer one.
type memory struct {
	location string // "": everywhere, and nothing is forgotten
	max      int    // entries
	state    *crdt.State
	settled  []crdt.ID // heroes that left the location or died, the oldest first
}

func newMemory(location string, entriesMax int) *memory {
	return &memory{location: location, max: entriesMax, state: crdt.NewState()}
}

// merge takes entries in and returns the changes that concern the location, in
// their order.
func (m *memory) merge(e crdt.Entries) ([]crdt.Change, error) {
	// Without a horizon: what a city holds is a fact to its reader, however far ahead
	// its stamp is.
	changes := m.state.Merge(e, crdt.NoHorizon).Changes
	if m.location != "" {
		for _, c := range changes {
			if !m.isHere(c.New) && c.Old.Kind != crdt.KindTombstone {
				m.settled = append(m.settled, c.ID)
			}
		}
		m.forget()
	}
	news := slices.DeleteFunc(changes, func(c crdt.Change) bool {
		dead := c.Old.Kind == crdt.KindTombstone // killed by two, told by the first
		return dead || m.location != "" && !c.Touches(m.location)
	})
	s := m.state.Summary()
	if n := s.Heroes + s.Tombstones; n > uint64(m.max) {
		return nil, fmt.Errorf("%w: %d, at most %d are", ErrTooManyEntries, n, m.max)
	}
	return news, nil
}

func (m *memory) isHere(r crdt.Record) bool {
	return r.Kind == crdt.KindHero && r.Hero.Location == m.location
}

// forget drops the older half of the settled heroes once there are too many. A
// state has no way to remove a hero, so the rest moves to a new one.
func (m *memory) forget() {
	if len(m.settled) <= settledMax {
		return
	}
	rest := crdt.NewState()
	for i := range m.state.CountAt(m.location) {
		if hero, ok := m.state.HeroAt(m.location, i); ok {
			rest.MergeHero(hero)
		}
	}
	var recent []crdt.ID
	for _, id := range m.settled[len(m.settled)-settledMax/2:] {
		switch r := m.state.Record(id); {
		case m.isHere(r): // it came back
			continue
		case r.Kind == crdt.KindTombstone:
			rest.MergeTombstone(r.Tombstone)
		case r.Kind == crdt.KindHero:
			rest.MergeHero(r.Hero)
		}
		recent = append(recent, id)
	}
	m.state, m.settled = rest, recent
}

// here returns the heroes that were last told to be at the location.
func (m *memory) here() map[crdt.ID]struct{} {
	ids := make(map[crdt.ID]struct{}, m.state.CountAt(m.location))
	for i := range m.state.CountAt(m.location) {
		if hero, ok := m.state.HeroAt(m.location, i); ok {
			ids[hero.ID] = struct{}{}
		}
	}
	return ids
}

// stillHere returns those of ids that are still at the location, sorted, and
// deletes the others.
func (m *memory) stillHere(ids map[crdt.ID]struct{}) []crdt.ID {
	var still []crdt.ID
	for id := range ids {
		if m.isHere(m.state.Record(id)) {
			still = append(still, id)
		} else {
			delete(ids, id)
		}
	}
	slices.SortFunc(still, crdt.ID.Compare)
	return still
}
