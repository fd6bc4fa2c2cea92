package crdt_test

import (
	"errors"
	"reflect"
	"testing"
	"unsafe"

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

func TestADetachedHeroIsTheSameInMemoryOfItsOwn(t *testing.T) {
	h := batman()
	b := crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{h, h}})
	e, err := crdt.DecodeEntries(b)
	if err != nil {
		t.Fatal(err)
	}
	kept := crdt.Record{Kind: crdt.KindHero, Hero: e.Heroes[1]}.Detach().Hero
	if kept != h {
		t.Errorf("got %+v, want %+v", kept, h)
	}
	if unsafe.StringData(kept.Name) == unsafe.StringData(e.Heroes[1].Name) ||
		unsafe.StringData(kept.Location) == unsafe.StringData(e.Heroes[1].Location) {
		t.Error("a text is still a part of the batch")
	}
}

func TestEntriesAreAddedByRecordAndBySet(t *testing.T) {
	h, d := batman(), crdt.Tombstone{Version: batman().Version}
	var e crdt.Entries
	e.Add(crdt.Record{})
	e.Append(crdt.Entries{})
	if e.Heroes != nil || e.Tombstones != nil {
		t.Errorf("nothing was added, and there is %+v", e)
	}
	e.Add(crdt.Record{Kind: crdt.KindHero, Hero: h})
	e.Append(crdt.Record{Kind: crdt.KindTombstone, Tombstone: d}.Entries())
	e.Append(e)
	want := crdt.Entries{Heroes: []crdt.Hero{h, h}, Tombstones: []crdt.Tombstone{d, d}}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("got %+v, want %+v", e, want)
	}
	if got, want := crdt.EntriesSize(e), len(crdt.AppendEntries(nil, e)); got != want {
		t.Errorf("size %d, want %d", got, want)
	}
}
