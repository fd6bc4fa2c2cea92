package sim

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

func describe(m city.Message) string {
	switch m := m.(type) {
	case city.Create:
		return fmt.Sprintf("create %s (%s, here %t)", short(m.Request), m.Name, m.Here)
	case city.Assign:
		return fmt.Sprintf("assign %s (%s, request %s, home %t, with %d+%d)", short(m.Hero), m.Name, short(m.Request), m.Home,
			len(m.With.Heroes), len(m.With.Tombstones))
	case city.Retire:
		return fmt.Sprintf("retire %s (%s, request %s)", short(m.Hero), m.Name, short(m.Request))
	case city.Update:
		return fmt.Sprintf("update by %s, %d+%d", m.Source, len(m.Entries.Heroes), len(m.Entries.Tombstones))
	case city.Suspect:
		return fmt.Sprintf("suspect %q", m.Reason)
	default:
		return fmt.Sprintf("%T", m)
	}
}

func describeRecord(r crdt.Record) string {
	switch r.Kind {
	case crdt.KindHero:
		h := r.Hero
		return fmt.Sprintf("hero %s at %s, health %d, patrolling %t, %s", short(h.ID), h.Location, h.Health, h.Patrolling, describeVersion(h.Version))
	case crdt.KindTombstone:
		return fmt.Sprintf("tombstone %s, %s", short(r.Tombstone.ID), describeVersion(r.Tombstone.Version))
	default:
		return "nothing"
	}
}

func describeVersion(v crdt.Version) string {
	return fmt.Sprintf("(%s, %04x, %s)", describeStamp(v.Assigned), uint64(v.Replica)>>48, describeStamp(v.HLC))
}

// describeStamp returns the stamp as a time since the start of the simulation.
func describeStamp(s crdt.Stamp) string {
	if s == 0 {
		return "0"
	}
	text := s.Time().Sub(epoch).Round(time.Millisecond).String()
	if counter := uint16(s); counter != 0 {
		text += fmt.Sprintf("+%d", counter)
	}
	return text
}

// short is enough of an ID to tell a run's IDs apart.
func short(id crdt.ID) string { return id.String()[:8] }
