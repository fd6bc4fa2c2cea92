package main

import (
	"strconv"

	"github.com/citynode/citynode/crdt"
)

// shortIDMin is how much of an id a table shows at least: enough to be unique
// among some thousands of heroes.
const shortIDMin = 8

// heroTable lists heroes for a person.
func heroTable(heroes []crdt.Hero) *table {
	t := &table{head: []string{"ID", "NAME", "LOCATION", "HEALTH", "PATROLLING"}}
	size := uniquePrefix(heroes)
	for _, h := range heroes {
		t.add(h.ID.String()[:size], h.Name, h.Location, strconv.Itoa(int(h.Health)), yesNo(h.Patrolling))
	}
	return t
}

// uniquePrefix returns how many characters of the ids tell these heroes apart, at
// least shortIDMin.
func uniquePrefix(heroes []crdt.Hero) int {
	size := shortIDMin
	for ; size < len(crdt.ID{}.String()); size++ {
		seen := make(map[string]bool, len(heroes))
		for _, h := range heroes {
			seen[h.ID.String()[:size]] = true
		}
		if len(seen) == len(heroes) {
			break
		}
	}
	return size
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// printHero prints one hero, for a person after a line that says what was done.
func (g *globals) printHero(done string, h crdt.Hero) error {
	if g.json {
		return g.printJSON(toHeroJSON(h))
	}
	if done != "" {
		if err := g.printf("%s\n", printable(done)); err != nil {
			return err
		}
	}
	assigned := "never"
	if h.Version.Assigned > 0 {
		assigned = timeText(h.Version.Assigned)
	}
	return g.printFields(
		"id", h.ID.String(),
		"name", h.Name,
		"location", h.Location,
		"health", strconv.Itoa(int(h.Health)),
		"patrolling", yesNo(h.Patrolling),
		"assigned", assigned,
		"updated", timeText(h.Version.HLC),
	)
}
