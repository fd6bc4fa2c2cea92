package history

import (
	"strings"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

const (
	gotham     = "gotham"
	metropolis = "metropolis"
)

var (
	batman = crdt.ID{15: 1}
	born   = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// stampAt is a stamp that many seconds after the start.
func stampAt(seconds int) crdt.Stamp {
	return crdt.StampAt(born.Add(time.Duration(seconds) * time.Second))
}

// heroAt is Batman as an order of that second left him in Gotham.
func heroAt(second int) crdt.Record {
	return crdt.Record{Kind: crdt.KindHero, Hero: crdt.Hero{
		ID: batman, Name: "Batman", Location: gotham, Health: 100,
		Version: crdt.Version{Assigned: stampAt(second), Replica: 7, HLC: stampAt(second)},
	}}
}

func with(r crdt.Record, change func(*crdt.Hero)) crdt.Record {
	change(&r.Hero)
	return r
}

func deathAt(second int) crdt.Record {
	return crdt.Record{Kind: crdt.KindTombstone, Tombstone: crdt.Tombstone{ID: batman, Version: heroAt(second).Hero.Version}}
}

// orderOf is an order that Gotham acknowledged within a second.
func orderOf(kind Kind, second int, answer crdt.Record) Operation {
	return Operation{
		Dispatcher: "oracle", Kind: kind, Request: crdt.ID{0: 1, 15: byte(second)}, Hero: batman, City: gotham,
		Invoked: time.Duration(second) * time.Second, Answered: time.Duration(second+1) * time.Second,
		Outcome: Acknowledged, Record: answer,
	}
}

func sightingAt(city string, second int, r crdt.Record) Sighting {
	return Sighting{City: city, At: time.Duration(second) * time.Second, Hero: batman, Record: r}
}

// holds is a city that holds these records.
func holds(city string, records ...crdt.Record) Final {
	state := crdt.NewState()
	for _, r := range records {
		state.Merge(r.Entries(), crdt.NoHorizon)
	}
	return FinalOf(city, state)
}

func TestEachBrokenRuleIsFound(t *testing.T) {
	nobody := func(crdt.Record) bool { return false }
	bombed := []Bombing{{City: gotham, At: 5 * time.Second, Neighbours: []string{metropolis}}}
	assign := orderOf(Assign, 1, heroAt(1))
	retry := orderOf(Assign, 6, heroAt(1))
	retry.Request = assign.Request
	late := orderOf(Assign, 3, heroAt(3))
	refused := orderOf(Assign, 3, crdt.Record{})
	refused.Outcome, refused.Code = Refused, "dead"
	found := orderOf(Create, 1, heroAt(1))
	found.Found = true
	unknown := orderOf(Assign, 3, crdt.Record{})
	unknown.Outcome = Unknown
	home := with(heroAt(1), func(h *crdt.Hero) { h.Location = crdt.Home })
	for _, row := range []struct {
		name    string
		history History
		finals  []Final
		want    Rule   // empty: there is nothing to be found
		detail  string // a part of it
	}{
		{"nothing", History{}, []Final{holds(gotham)}, "", ""},
		{"an order that is kept", History{Operations: []Operation{assign}}, []Final{holds(gotham, heroAt(1))}, "", ""},
		{"an order with a later one", History{Operations: []Operation{assign}}, []Final{holds(gotham, heroAt(2))}, "", ""},
		{"an order before a death", History{Operations: []Operation{assign}}, []Final{holds(gotham, deathAt(1))}, "", ""},
		{"an order of which nothing is known", History{Operations: []Operation{unknown}}, []Final{holds(gotham)}, "", ""},
		{"a create that found what is gone", History{Operations: []Operation{found}}, []Final{holds(gotham)}, "", ""},
		{"a lost order", History{Operations: []Operation{assign}}, []Final{holds(gotham)}, Lost, "holds nothing"},
		{"a lost create", History{Operations: []Operation{orderOf(Create, 1, heroAt(0))}}, []Final{holds(gotham)}, Lost, "create of"},
		{"a lost retire", History{Operations: []Operation{orderOf(Retire, 1, deathAt(1))}}, []Final{holds(gotham)}, Lost, "its tombstone"},
		{"an order that an earlier one undid", History{Operations: []Operation{late}}, []Final{holds(gotham, heroAt(1))}, Lost, "00:00:03.000"},
		{"an order that nobody who survived held", History{Operations: []Operation{assign}, Survived: nobody}, []Final{holds(gotham)}, "", ""},
		{"an order that went with a bombed city", History{Operations: []Operation{assign}, Bombings: bombed}, []Final{holds(gotham)}, "", ""},
		{
			"an order that was acknowledged after a bomb",
			History{Operations: []Operation{orderOf(Assign, 6, heroAt(6))}, Bombings: bombed},
			[]Final{holds(gotham)},
			Lost, "holds nothing",
		},
		{
			"an order of another city than the bombed one",
			History{Operations: []Operation{assign}, Bombings: []Bombing{{City: metropolis, At: 5 * time.Second}}},
			[]Final{holds(gotham)},
			Lost, "holds nothing",
		},
		{
			"an order that a bombed city's neighbour held",
			History{Operations: []Operation{assign}, Bombings: bombed, Sightings: []Sighting{sightingAt(metropolis, 4, heroAt(1))}},
			[]Final{holds(gotham)},
			Lost, "bombed at 5s, with neighbours [metropolis]",
		},
		{"a hero that lives after its retire", History{Operations: []Operation{orderOf(Retire, 1, deathAt(1))}}, []Final{holds(gotham, heroAt(5))}, Undead, ""},
		{"a hero that lives after it was told dead", History{Operations: []Operation{refused}}, []Final{holds(gotham, heroAt(5))}, Undead, ""},
		{
			"a hero that lives after its death",
			History{Sightings: []Sighting{sightingAt(gotham, 2, deathAt(1))}},
			[]Final{holds(gotham, heroAt(5))},
			Undead, "showed at 2s its tombstone",
		},
		{
			"a hero that is shown after its death",
			History{Sightings: []Sighting{sightingAt(gotham, 2, deathAt(1)), sightingAt(gotham, 3, heroAt(5))}},
			nil, Undead, "",
		},
		{
			"a death of which no more was seen, and its tombstone",
			History{Sightings: []Sighting{
				sightingAt(gotham, 2, deathAt(1)),
				sightingAt(gotham, 3, crdt.Record{Kind: crdt.KindTombstone, Tombstone: crdt.Tombstone{ID: batman}}),
			}},
			[]Final{holds(gotham, deathAt(1))},
			"", "",
		},
		{
			"health of 0",
			History{Sightings: []Sighting{sightingAt(gotham, 1, with(heroAt(1), func(h *crdt.Hero) { h.Health = 0 }))}},
			nil, Unhealthy, "health 0",
		},
		{
			"health of 101",
			History{Operations: []Operation{orderOf(Assign, 1, with(heroAt(1), func(h *crdt.Hero) { h.Health = 101 }))}},
			nil, Unhealthy, "health 101",
		},
		{"answers that go back", History{Operations: []Operation{assign, orderOf(Create, 3, heroAt(0))}}, nil, WentBack, "(00:00:00.000, 0000, 00:00:00.000)"},
		{"an answer given again", History{Operations: []Operation{assign, late, retry}}, nil, "", ""},
		{
			"two orders at one time", // either may have been first
			History{Operations: []Operation{orderOf(Assign, 1, heroAt(3)), orderOf(Create, 2, heroAt(0))}}, nil, "", "",
		},
		{
			"a hero that is forgotten",
			History{Operations: []Operation{assign}, Sightings: []Sighting{sightingAt(gotham, 4, crdt.Record{})}},
			nil, WentBack, "gotham showed at 4s nothing",
		},
		{
			"a hero that is forgotten with a life",
			History{Operations: []Operation{assign}, Sightings: []Sighting{{City: gotham, Life: 1, At: 4 * time.Second, Hero: batman}}},
			nil, "", "",
		},
		{
			"another city that is behind",
			History{Sightings: []Sighting{sightingAt(gotham, 1, heroAt(2)), sightingAt(metropolis, 2, heroAt(1))}},
			nil, "", "",
		},
		{
			"another city that is behind after healing",
			History{Healed: time.Second, Sightings: []Sighting{sightingAt(gotham, 1, heroAt(2)), sightingAt(metropolis, 2, heroAt(1))}},
			nil, WentBack, "metropolis showed at 2s",
		},
		{"an answer of another hero", History{Operations: []Operation{orderOf(Assign, 1, with(heroAt(1), func(h *crdt.Hero) { h.ID = crdt.ID{15: 2} }))}}, nil, Misanswered, ""},
		{"a tombstone for an assign", History{Operations: []Operation{orderOf(Assign, 1, deathAt(1))}}, nil, Misanswered, "no hero"},
		{"a hero for a retire", History{Operations: []Operation{orderOf(Retire, 1, heroAt(1))}}, nil, Misanswered, "no tombstone"},
		{"an order elsewhere", History{Operations: []Operation{orderOf(Assign, 1, home)}}, nil, Misanswered, "sent to gotham"},
		{
			"an order after which the hero patrols",
			History{Operations: []Operation{orderOf(Assign, 1, with(heroAt(1), func(h *crdt.Hero) { h.Patrolling = true }))}},
			nil, Misanswered, "ends the patrol",
		},
		{
			"an order without the version of one",
			History{Operations: []Operation{orderOf(Assign, 1, with(heroAt(1), func(h *crdt.Hero) { h.Version.HLC++ }))}},
			nil, Misanswered, "not the version of an order",
		},
		{
			"two heroes of one version",
			History{Operations: []Operation{assign}, Sightings: []Sighting{sightingAt(metropolis, 3, home)}},
			nil, Ambiguous, "it at home",
		},
		{
			"two heroes of one version, forged",
			History{Operations: []Operation{assign}, Sightings: []Sighting{sightingAt(metropolis, 3, home)}, Forged: true},
			nil, "", "",
		},
		{"two cities of one mind", History{}, []Final{holds(gotham, heroAt(1)), holds(metropolis, heroAt(1))}, "", ""},
		{"two cities that differ", History{}, []Final{holds(gotham, heroAt(1)), holds(metropolis, heroAt(2))}, Split, "metropolis it at gotham"},
		{"a city that lacks a hero", History{}, []Final{holds(gotham), holds(metropolis, heroAt(2))}, Split, "gotham holds nothing"},
	} {
		t.Run(row.name, func(t *testing.T) {
			found := Check(&row.history, row.finals)
			switch {
			case row.want == "" && len(found) == 0:
			case row.want != "" && len(found) == 1 && found[0].Rule == row.want && strings.Contains(found[0].Error(), row.detail):
			default:
				t.Errorf("found %v, want one of %q with %q", found, row.want, row.detail)
			}
		})
	}
}

func TestAViolationNamesWhatItConcerns(t *testing.T) {
	lost := orderOf(Assign, 1, heroAt(1))
	found := Check(&History{Operations: []Operation{lost}}, []Final{holds(metropolis)})
	if len(found) != 1 {
		t.Fatalf("found %v, want one", found)
	}
	v := found[0]
	if v.Hero != batman || v.Operation == nil || *v.Operation != lost || v.Had != heroAt(1) || v.Got != (crdt.Record{}) {
		t.Errorf("%+v", v)
	}
	for _, part := range []string{"assign of", "at gotham", "by oracle", batman.String(), "metropolis holds nothing", "(00:00:01.000, 0000, 00:00:01.000)"} {
		if !strings.Contains(v.Detail, part) {
			t.Errorf("%q does not say %q", v.Detail, part)
		}
	}
}
