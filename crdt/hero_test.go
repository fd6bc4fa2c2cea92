package crdt_test

import (
	"errors"
	"testing"

	"github.com/citynode/citynode/crdt"
)

// batman is a valid hero for tests to spoil.
func batman() crdt.Hero {
	return crdt.Hero{
		ID:         crdt.ID{0: 1, 15: 2},
		Name:       "Batman",
		Location:   "gotham",
		Health:     90,
		Patrolling: true,
		Version:    crdt.Version{Assigned: 1 << 16, Replica: 7, HLC: 2 << 16},
	}
}

func TestHeroValidateNamesTheField(t *testing.T) {
	for _, tc := range []struct {
		field string
		spoil func(*crdt.Hero)
	}{
		{"name", func(h *crdt.Hero) { h.Name = "" }},
		{"location", func(h *crdt.Hero) { h.Location = "Gotham" }},
		{"health", func(h *crdt.Hero) { h.Health = 0 }},
		{"health", func(h *crdt.Hero) { h.Health = 101 }},
		{"patrolling", func(h *crdt.Hero) { h.Location = crdt.Home }},
		{"assigned", func(h *crdt.Hero) { h.Version.Assigned = h.Version.HLC + 1 }},
	} {
		h := batman()
		tc.spoil(&h)
		var invalid *crdt.InvalidError
		if err := h.Validate(); !errors.As(err, &invalid) || invalid.Field != tc.field {
			t.Errorf("%s: got %v", tc.field, err)
		}
		err := crdt.Entries{Heroes: []crdt.Hero{batman(), h}}.Validate()
		if !errors.Is(err, crdt.ErrMalformed) || err.Error()[:len("hero 1: ")] != "hero 1: " {
			t.Errorf("%s: entries: got %v", tc.field, err)
		}
	}
}

func TestHeroValidateAcceptsTheEdges(t *testing.T) {
	for name, change := range map[string]func(*crdt.Hero){
		"as it is":                  func(*crdt.Hero) {},
		"least health":              func(h *crdt.Hero) { h.Health = crdt.HealthMin },
		"greatest health":           func(h *crdt.Hero) { h.Health = crdt.HealthMax },
		"at home, not patrolling":   func(h *crdt.Hero) { h.Location, h.Patrolling = crdt.Home, false },
		"the order was last":        func(h *crdt.Hero) { h.Version.Assigned = h.Version.HLC },
		"never assigned, in a city": func(h *crdt.Hero) { h.Version.Assigned = 0 },
		"the nil UUID":              func(h *crdt.Hero) { h.ID = crdt.ID{} },
	} {
		h := batman()
		change(&h)
		if err := h.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTombstoneValidate(t *testing.T) {
	dead := crdt.Tombstone{Version: crdt.Version{Assigned: 2, HLC: 2}}
	if err := dead.Validate(); err != nil {
		t.Error(err)
	}
	dead.Version.Assigned++
	if err := dead.Validate(); !errors.Is(err, crdt.ErrMalformed) {
		t.Errorf("got %v", err)
	}
	if err := (crdt.Entries{Tombstones: []crdt.Tombstone{dead}}).Validate(); !errors.Is(err, crdt.ErrMalformed) {
		t.Errorf("entries: got %v", err)
	}
}
