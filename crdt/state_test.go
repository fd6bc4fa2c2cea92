package crdt_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// model is the state told naively: a map and the rules of DESIGN, nothing kept.
type model map[crdt.ID]crdt.Record

func (m model) mergeHero(h crdt.Hero) bool {
	old := m[h.ID]
	if old.Kind == crdt.KindTombstone {
		return false
	}
	if old.Kind == crdt.KindHero {
		switch h.Version.Compare(old.Hero.Version) {
		case -1:
			return false
		case 0:
			if bytes.Compare(crdt.AppendHero(nil, h), crdt.AppendHero(nil, old.Hero)) <= 0 {
				return false
			}
		}
	}
	m[h.ID] = crdt.Record{Kind: crdt.KindHero, Hero: h}
	return true
}

func (m model) mergeTombstone(d crdt.Tombstone) bool {
	old := m[d.ID]
	if old.Kind == crdt.KindTombstone && d.Version.Compare(old.Tombstone.Version) <= 0 {
		return false
	}
	m[d.ID] = crdt.Record{Kind: crdt.KindTombstone, Tombstone: d}
	return true
}

func (m model) summary() (s crdt.Summary) {
	for _, r := range m {
		switch r.Kind {
		case crdt.KindHero:
			s.Heroes++
		case crdt.KindTombstone:
			s.Tombstones++
		}
		s.Digest.Add(r.Fingerprint())
	}
	return s
}

func (m model) at(location string) map[crdt.ID]crdt.Hero {
	there := map[crdt.ID]crdt.Hero{}
	for id, r := range m {
		if r.Kind == crdt.KindHero && r.Hero.Location == location {
			there[id] = r.Hero
		}
	}
	return there
}

// contents reads a state whole, as a model.
func contents(s *crdt.State) model {
	m := model{}
	for c, more := crdt.Cursor(0), true; more; {
		var e crdt.Entries
		e, c, more = s.Page(c, 1<<20)
		for _, h := range e.Heroes {
			m[h.ID] = crdt.Record{Kind: crdt.KindHero, Hero: h}
		}
		for _, d := range e.Tombstones {
			m[d.ID] = crdt.Record{Kind: crdt.KindTombstone, Tombstone: d}
		}
	}
	return m
}

func TestStateIsTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := crdt.NewState(), model{}
		t.Repeat(map[string]func(*rapid.T){
			"merge hero": func(t *rapid.T) {
				h := crdttest.Hero().Draw(t, "hero")
				old := s.Record(h.ID)
				change, changed := s.MergeHero(h)
				if want := m.mergeHero(h); changed != want {
					t.Fatalf("changed: %v, want %v", changed, want)
				}
				wantChange(t, s, change, changed, old, h.ID)
			},
			"merge tombstone": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "spare") > 0 {
					t.Skip("else all would soon be dead")
				}
				d := crdttest.Tombstone().Draw(t, "tombstone")
				old := s.Record(d.ID)
				change, changed := s.MergeTombstone(d)
				if want := m.mergeTombstone(d); changed != want {
					t.Fatalf("changed: %v, want %v", changed, want)
				}
				wantChange(t, s, change, changed, old, d.ID)
			},
			"": func(t *rapid.T) { wantModel(t, s, m) },
		})
	})
}

// A long history of births, moves, patrols, renamings and deaths, from a few
// thousand IDs, in batches with stale and repeated entries.
func TestALongHistoryIsTheNaiveModel(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	s, m := crdt.NewState(), model{}
	for range 300 {
		var e crdt.Entries
		for range 100 {
			h := heroOf(chance.IntN(3000), chance.Uint32N(10))
			switch chance.IntN(10) {
			case 0:
				e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: h.ID, Version: h.Version})
				continue
			case 1:
				h.Name = strings.Repeat("x", 1+chance.IntN(crdt.NameBytesMax))
			case 2:
				h.Location = "city-" + strconv.Itoa(chance.IntN(500))
			}
			e.Heroes = append(e.Heroes, h)
		}
		changes := 0
		for _, d := range e.Tombstones {
			if m.mergeTombstone(d) {
				changes++
			}
		}
		for _, h := range e.Heroes {
			if m.mergeHero(h) {
				changes++
			}
		}
		if got := len(s.Merge(e, crdt.NoHorizon).Changes); got != changes {
			t.Fatalf("%d changes, want %d", got, changes)
		}
		if err := crdt.CheckState(s); err != nil {
			t.Fatal(err)
		}
		if got, want := s.Summary(), m.summary(); got != want {
			t.Fatalf("summary %+v, from scratch %+v", got, want)
		}
	}
	if !maps.Equal(contents(s), m) {
		t.Fatal("the contents differ")
	}
}

func wantChange(t *rapid.T, s *crdt.State, got crdt.Change, changed bool, old crdt.Record, id crdt.ID) {
	want := crdt.Change{ID: id, Old: old, New: s.Record(id)}
	if !changed {
		want = crdt.Change{}
		if s.Record(id) != old {
			t.Fatalf("changed in silence: %+v, was %+v", s.Record(id), old)
		}
	}
	if got != want {
		t.Fatalf("change %+v, want %+v", got, want)
	}
}

func wantModel(t *rapid.T, s *crdt.State, m model) {
	if err := crdt.CheckState(s); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Summary(), m.summary(); got != want {
		t.Fatalf("summary %+v, from scratch %+v", got, want)
	}
	for i := range crdttest.PoolIDs {
		wantRecord(t, s, crdttest.IDOf(i), m)
	}
	if !maps.Equal(contents(s), m) {
		t.Fatalf("pages give %+v, want %+v", contents(s), m)
	}
	wantSymbols(t, s, m)
	for _, location := range append(crdttest.Locations(), "nowhere") {
		wantCrowd(t, s.CountAt, s.HeroAt, location, m.at(location))
	}
}

func wantRecord(t *rapid.T, s *crdt.State, id crdt.ID, m model) {
	want := m[id]
	if got := s.Record(id); got != want {
		t.Fatalf("record %+v, want %+v", got, want)
	}
	if h, ok := s.Hero(id); h != want.Hero || ok != (want.Kind == crdt.KindHero) {
		t.Fatalf("hero %+v, %v, want %+v", h, ok, want)
	}
	if d, ok := s.Tombstone(id); d != want.Tombstone || ok != (want.Kind == crdt.KindTombstone) {
		t.Fatalf("tombstone %+v, %v, want %+v", d, ok, want)
	}
}

func wantCrowd(
	t *rapid.T, count func(string) int, at func(string, int) (crdt.Hero, bool),
	location string, want map[crdt.ID]crdt.Hero,
) {
	got := map[crdt.ID]crdt.Hero{}
	for i := range count(location) {
		h, ok := at(location, i)
		if !ok {
			t.Fatalf("%s: nobody at position %d of %d", location, i, count(location))
		}
		got[h.ID] = h
	}
	if count(location) != len(want) || !maps.Equal(got, want) {
		t.Fatalf("%s: %+v, want %+v", location, got, want)
	}
	for _, i := range []int{-1, len(want)} {
		if h, ok := at(location, i); ok || h != (crdt.Hero{}) {
			t.Fatalf("%s: %+v at position %d of %d", location, h, i, len(want))
		}
	}
}

func TestEmptyStateHasTheZeroSummary(t *testing.T) {
	s := crdt.NewState()
	if got := s.Summary(); got != (crdt.Summary{}) {
		t.Fatalf("got %+v", got)
	}
	if e, _, more := s.Page(0, 1); e.Len() > 0 || more {
		t.Fatalf("got %+v, %v", e, more)
	}
}
