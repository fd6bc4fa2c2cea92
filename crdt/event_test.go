package crdt_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func hero(h crdt.Hero) crdt.Record { return crdt.Record{Kind: crdt.KindHero, Hero: h} }

func dead(id crdt.ID) crdt.Record {
	return crdt.Record{Kind: crdt.KindTombstone, Tombstone: crdt.Tombstone{ID: id}}
}

func TestEventsTellTheChange(t *testing.T) {
	base := batman() // patrols gotham with 90 health under an order
	id := base.ID
	with := func(change func(*crdt.Hero)) crdt.Record {
		h := base
		h.Version.HLC++
		change(&h)
		return hero(h)
	}
	event := func(kind crdt.EventKind, city string, health uint8) crdt.Event {
		return crdt.Event{Kind: kind, ID: id, Name: "Batman", City: city, Health: health}
	}
	left := func(health uint8, from, to string) crdt.Event {
		e := event(crdt.EventLeft, from, health)
		e.From, e.To = from, to
		return e
	}
	came := func(health uint8, from, to string) crdt.Event {
		e := event(crdt.EventCame, to, health)
		e.From, e.To = from, to
		return e
	}
	harmed := func(kind crdt.EventKind, health, damage uint8) crdt.Event {
		e := event(kind, "gotham", health)
		e.Damage = damage
		return e
	}
	reorder := func(h *crdt.Hero) { h.Version.Assigned++; h.Patrolling = false }
	rest := with(func(h *crdt.Hero) { h.Patrolling = false })

	for _, tc := range []struct {
		fact     string
		old, new crdt.Record
		want     []crdt.Event
	}{
		{"a new hero comes home", crdt.Record{}, with(func(h *crdt.Hero) {
			h.Location, h.Version.Assigned = crdt.Home, 0
		}), []crdt.Event{came(90, "", crdt.Home)}},
		{"an unknown hero was assigned once", crdt.Record{}, hero(base), []crdt.Event{
			event(crdt.EventAssigned, "gotham", 90), came(90, "", "gotham"),
		}},
		{"an order to another city", hero(base), with(func(h *crdt.Hero) {
			reorder(h)
			h.Location, h.Health = "metropolis", 100
		}), []crdt.Event{
			event(crdt.EventAssigned, "metropolis", 100),
			left(100, "gotham", "metropolis"), came(100, "gotham", "metropolis"),
		}},
		{"an order to stay", hero(base), with(reorder), []crdt.Event{event(crdt.EventAssigned, "gotham", 90)}},
		{
			"an order of a greater replica", hero(base), with(func(h *crdt.Hero) { h.Version.Replica++ }),
			[]crdt.Event{event(crdt.EventAssigned, "gotham", 90)},
		},
		{"an order learnt late, with its fights", hero(base), with(func(h *crdt.Hero) {
			h.Version.Assigned++
			h.Health = 20
		}), []crdt.Event{event(crdt.EventAssigned, "gotham", 20)}},
		{
			"a second creation of an ID", with(func(h *crdt.Hero) { h.Version.Assigned = 0 }),
			with(func(h *crdt.Hero) { h.Version.Assigned = 0; h.Version.Replica++ }), nil,
		},
		{"a patrol", rest, hero(base), []crdt.Event{event(crdt.EventPatrolling, "gotham", 90)}},
		{"a patrol goes on", hero(base), with(func(*crdt.Hero) {}), nil},
		{
			"a fight", hero(base), with(func(h *crdt.Hero) { h.Health -= 15 }),
			[]crdt.Event{harmed(crdt.EventFought, 75, 15)},
		},
		{
			"health under the same order that came back", hero(base),
			with(func(h *crdt.Hero) { h.Health += 5 }), nil,
		},
		{
			"a patrol and fights in one step", rest, with(func(h *crdt.Hero) { h.Health = 50 }),
			[]crdt.Event{event(crdt.EventPatrolling, "gotham", 50), harmed(crdt.EventFought, 50, 40)},
		},
		{
			"two places under one order", hero(base), with(func(h *crdt.Hero) { h.Location = "metropolis" }),
			[]crdt.Event{left(90, "gotham", "metropolis"), came(90, "gotham", "metropolis")},
		},
		{"a death", hero(base), dead(id), []crdt.Event{harmed(crdt.EventDied, 0, 90)}},
		{"a death of an unknown hero", crdt.Record{}, dead(id), nil},
		{"a second death", dead(id), dead(id), nil},
	} {
		c := crdt.Change{ID: id, Old: tc.old, New: tc.new}
		if got := c.Events(); !slices.Equal(got, tc.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", tc.fact, got, tc.want)
		}
	}
}

func TestEventsOfAMergeTouchTheirCities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stateOf(crdttest.Entries().Draw(t, "held"))
		for _, c := range s.Merge(crdttest.Entries().Draw(t, "batch"), crdt.NoHorizon).Changes {
			if !slices.Equal(c.Events(), c.Events()) {
				t.Fatal("the same change is told in two ways")
			}
			for _, e := range c.Events() {
				if !c.Touches(e.City) || e.ID != c.ID || e.Name == "" {
					t.Fatalf("%+v of %+v", e, c)
				}
			}
		}
	})
}

func TestChangeTouchesOldAndNewLocation(t *testing.T) {
	here, there := batman(), batman()
	there.Location = "metropolis"
	for _, tc := range []struct {
		fact               string
		c                  crdt.Change
		gotham, metropolis bool
	}{
		{"a birth", crdt.Change{New: hero(here)}, true, false},
		{"a move", crdt.Change{Old: hero(here), New: hero(there)}, true, true},
		{"a fight", crdt.Change{Old: hero(there), New: hero(there)}, false, true},
		{"a death", crdt.Change{Old: hero(there), New: dead(here.ID)}, false, true},
		{"a death of an unknown hero", crdt.Change{New: dead(here.ID)}, false, false},
		{"a second death", crdt.Change{Old: dead(here.ID), New: dead(here.ID)}, false, false},
	} {
		if tc.c.Touches("gotham") != tc.gotham || tc.c.Touches("metropolis") != tc.metropolis || tc.c.Touches("") {
			t.Errorf("%s: gotham %v, metropolis %v", tc.fact, tc.c.Touches("gotham"), tc.c.Touches("metropolis"))
		}
	}
}

func TestChangeEntriesIsTheNewRecord(t *testing.T) {
	h := batman()
	if e := (crdt.Change{Old: dead(h.ID), New: hero(h)}).Entries(); !slices.Equal(e.Heroes, []crdt.Hero{h}) || e.Tombstones != nil {
		t.Errorf("got %+v", e)
	}
	d := dead(h.ID)
	if e := (crdt.Change{Old: hero(h), New: d}).Entries(); e.Heroes != nil || !slices.Equal(e.Tombstones, []crdt.Tombstone{d.Tombstone}) {
		t.Errorf("got %+v", e)
	}
	if e := (crdt.Change{}).Entries(); e.Heroes != nil || e.Tombstones != nil {
		t.Errorf("got %+v", e)
	}
}
