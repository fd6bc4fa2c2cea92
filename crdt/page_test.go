package crdt_test

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

const (
	pagedIDs   = 40 // a walk of many pages
	pagedAt    = "gotham"
	pageBytes  = 200 // a few entries
	writesEach = 6   // at most, between two pages
)

// crowded draws a state of up to pagedIDs heroes, many of them at pagedAt.
func crowded(t *rapid.T) *crdt.State {
	s := crdt.NewState()
	for i := range rapid.IntRange(0, pagedIDs).Draw(t, "heroes") {
		h := batman()
		h.ID = crdttest.IDOf(i)
		if rapid.IntRange(0, 4).Draw(t, "away") == 0 {
			h.Location = "metropolis"
		}
		s.MergeHero(h)
	}
	for range rapid.IntRange(0, 5).Draw(t, "deaths") {
		s.MergeTombstone(crdt.Tombstone{ID: crdttest.ID(pagedIDs).Draw(t, "dead")})
	}
	return s
}

// disturb makes up to writesEach writes and calls after once each: a hero may
// leave a place and be back before the next page.
func disturb(t *rapid.T, s *crdt.State, after func()) {
	for range rapid.IntRange(0, writesEach).Draw(t, "writes") {
		write(t, s)
		after()
	}
}

// write is a birth, a move, a patrol or a death.
func write(t *rapid.T, s *crdt.State) {
	id := crdttest.ID(pagedIDs+10).Draw(t, "id")
	if rapid.IntRange(0, 3).Draw(t, "kill") == 0 {
		s.MergeTombstone(crdt.Tombstone{ID: id})
		return
	}
	h, known := s.Hero(id)
	if !known {
		h = batman()
		h.ID = id
	}
	h.Location = rapid.SampledFrom([]string{pagedAt, pagedAt, "metropolis"}).Draw(t, "location")
	h.Patrolling = rapid.Bool().Draw(t, "patrolling")
	h.Version.HLC = h.Version.HLC.Next()
	s.MergeHero(h)
}

// keepCommon takes out of m what now differs in s.
func keepCommon(m model, s *crdt.State) {
	for id, r := range m {
		if s.Record(id) != r {
			delete(m, id)
		}
	}
}

// keepThere takes out who is not at pagedAt now.
func keepThere(there map[crdt.ID]crdt.Hero, s *crdt.State) {
	for id := range there {
		if h, _ := s.Hero(id); h.Location != pagedAt {
			delete(there, id)
		}
	}
}

func TestAWalkMeetsAllThatStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crowded(t)
		atStart, stayed := contents(s), contents(s)
		met, metIDs := model{}, map[crdt.ID]bool{}
		for c, more := crdt.Cursor(0), true; more; {
			var e crdt.Entries
			e, c, more = s.Page(c, pageBytes)
			wantFits(t, e, more)
			for id, r := range contents(stateOf(e)) {
				met[id], metIDs[id] = r, true
			}
			if more {
				disturb(t, s, func() { keepCommon(stayed, s) })
			}
		}
		for id, r := range stayed {
			if met[id] != r {
				t.Fatalf("%+v stayed throughout and was not met", r)
			}
		}
		for id := range atStart {
			if !metIDs[id] {
				t.Fatalf("%v was known at the start and was not met, in any version", id)
			}
		}
	})
}

func TestAWalkOfALocationMeetsAllThatStayThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crowded(t)
		stayed := contents(s).at(pagedAt)
		met := map[crdt.ID]bool{}
		for c, more := crdt.Cursor(0), true; more; {
			var heroes []crdt.Hero
			heroes, c, more = s.PageAt(pagedAt, c, pageBytes)
			wantFits(t, crdt.Entries{Heroes: heroes}, more)
			for _, h := range heroes {
				met[h.ID] = true
				if h.Location != pagedAt {
					t.Fatalf("%+v is not there", h)
				}
			}
			if more {
				disturb(t, s, func() { keepThere(stayed, s) })
			}
		}
		for id := range stayed {
			if !met[id] {
				t.Fatalf("%v stayed throughout and was not met", id)
			}
		}
	})
}

func wantFits(t *rapid.T, e crdt.Entries, more bool) {
	if got := len(crdt.AppendEntries(nil, e)); got > pageBytes && e.Len() != 1 {
		t.Fatalf("a page of %d entries takes %d bytes, at most %d", e.Len(), got, pageBytes)
	}
	if more && e.Len() == 0 {
		t.Fatal("an empty page that is not the last")
	}
}

func TestAWalkInPeaceMeetsEachOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crowded(t)
		bytesMax := rapid.IntRange(-1, 1000).Draw(t, "bytes")
		walked, dead := 0, true
		for c, more := crdt.Cursor(0), true; more; {
			var e crdt.Entries
			e, c, more = s.Page(c, bytesMax)
			if !dead && len(e.Tombstones) > 0 {
				t.Fatal("tombstones after heroes")
			}
			dead = len(e.Heroes) == 0
			walked += e.Len()
		}
		if want := len(contents(s)); walked != want {
			t.Fatalf("%d entries in the pages, %d in the state", walked, want)
		}
	})
}

func TestAnAppendedPageIsAPageEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crowded(t)
		bytesMax := rapid.IntRange(-1, 1000).Draw(t, "bytes")
		for c, more := crdt.Cursor(0), true; more; {
			e, next, wantMore := s.Page(c, bytesMax)
			want := crdt.AppendEntries([]byte("before"), e)
			got, n, gotNext, gotMore := s.AppendPage([]byte("before"), c, bytesMax)
			if !bytes.Equal(got, want) || n != e.Len() || gotNext != next || gotMore != wantMore {
				t.Fatalf("%x, %d entries, %d, %v, want %x, %d, %v", got, n, gotNext, gotMore, want, next, wantMore)
			}
			c, more = next, wantMore
		}
	})
}

func TestAnyCursorIsSafe(t *testing.T) {
	s := crdt.NewState()
	for i := range 5 {
		h := batman()
		h.ID = crdttest.IDOf(i)
		s.MergeHero(h)
		s.MergeTombstone(crdt.Tombstone{ID: crdttest.IDOf(100 + i)})
	}
	for _, c := range []crdt.Cursor{0, 1, 2, 1000, math.MaxUint32, 1 << 32, 1 << 63, math.MaxUint64} {
		if e, _, more := s.Page(c, 1<<20); e.Len() > 10 || more {
			t.Errorf("cursor %d: %d entries, %v", c, e.Len(), more)
		}
		if heroes, _, more := s.PageAt(pagedAt, c, 1<<20); len(heroes) > 5 || more {
			t.Errorf("cursor %d: %d heroes, %v", c, len(heroes), more)
		}
		if heroes, _, more := s.PageAt("nowhere", c, 1<<20); len(heroes) > 0 || more {
			t.Errorf("cursor %d: %d heroes nowhere, %v", c, len(heroes), more)
		}
	}
}
