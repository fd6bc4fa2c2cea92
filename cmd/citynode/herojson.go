package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/citynode/citynode/crdt"
)

// timeLayout is RFC 3339 in UTC with milliseconds, which is what a stamp holds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// timeText returns the wall-clock time of a stamp as it is printed.
func timeText(s crdt.Stamp) string { return s.Time().Format(timeLayout) }

// A heroJSON is a hero as every command prints it.
type heroJSON struct {
	ID          crdt.ID `json:"id"`
	Name        string  `json:"name"`
	Location    string  `json:"location"`
	Health      uint8   `json:"health"`
	Patrolling  bool    `json:"patrolling"`
	AssignedAt  string  `json:"assigned_at,omitempty"` // absent before the first order
	LastUpdated string  `json:"last_updated"`
}

func toHeroJSON(h crdt.Hero) heroJSON {
	object := heroJSON{
		ID:          h.ID,
		Name:        h.Name,
		Location:    h.Location,
		Health:      h.Health,
		Patrolling:  h.Patrolling,
		LastUpdated: timeText(h.Version.HLC),
	}
	if h.Version.Assigned > 0 {
		object.AssignedAt = timeText(h.Version.Assigned)
	}
	return object
}

// A tombstoneJSON is what is left of a hero.
type tombstoneJSON struct {
	LastUpdated string `json:"last_updated"`
}

// A retiredJSON is a tombstone by itself.
type retiredJSON struct {
	ID crdt.ID `json:"id"`
	tombstoneJSON
}

// A stateJSON is the state of one city.
type stateJSON struct {
	Superheroes map[crdt.ID]heroJSON      `json:"superheroes"`
	Tombstones  map[crdt.ID]tombstoneJSON `json:"tombstones"`
	Digest      crdt.Digest               `json:"digest"`
}

func toStateJSON(s state) stateJSON {
	object := stateJSON{
		Superheroes: make(map[crdt.ID]heroJSON, len(s.heroes)),
		Tombstones:  make(map[crdt.ID]tombstoneJSON, len(s.tombstones)),
		Digest:      s.summary.Digest,
	}
	for id, h := range s.heroes {
		object.Superheroes[id] = toHeroJSON(h)
	}
	for id, t := range s.tombstones {
		object.Tombstones[id] = toTombstoneJSON(t)
	}
	return object
}

func toTombstoneJSON(t crdt.Tombstone) tombstoneJSON {
	return tombstoneJSON{LastUpdated: timeText(t.Version.HLC)}
}

// A state is what a get has brought.
type state struct {
	heroes     map[crdt.ID]crdt.Hero
	tombstones map[crdt.ID]crdt.Tombstone
	summary    crdt.Summary
}

func newState() state {
	return state{heroes: make(map[crdt.ID]crdt.Hero), tombstones: make(map[crdt.ID]crdt.Tombstone)}
}

// add takes a page in. A hero that moved meanwhile is in two; the later page
// has what it is now, and what is dead stays dead.
func (s state) add(page crdt.Entries) {
	for _, h := range page.Heroes {
		if _, dead := s.tombstones[h.ID]; !dead {
			s.heroes[h.ID] = h
		}
	}
	for _, t := range page.Tombstones {
		s.tombstones[t.ID] = t
		delete(s.heroes, t.ID)
	}
}

// sorted returns the heroes by name, then id.
func (s state) sorted() []crdt.Hero {
	heroes := make([]crdt.Hero, 0, len(s.heroes))
	for _, h := range s.heroes {
		heroes = append(heroes, h)
	}
	slices.SortFunc(heroes, func(a, b crdt.Hero) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.ID.Compare(b.ID))
	})
	return heroes
}

// ago says roughly how long before now a time was.
func ago(now, then time.Time) string {
	switch d := now.Sub(then); {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	}
	return then.UTC().Format("2006-01-02 15:04 UTC")
}

// counted returns a number with its noun.
func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
