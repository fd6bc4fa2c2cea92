package city

import (
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// A hall is a city with room for few entries, and those who bring some to it.
type hall struct {
	*lab
	core *Core
	made int
}

func newHall(t *testing.T, entriesMax int) *hall {
	l := newLab(t)
	core := NewCore(Config{Name: "gotham", Replica: 1, Admins: []string{"admin"}, EntriesMax: entriesMax}, 1)
	core.open = true
	return &hall{lab: l, core: core}
}

// id returns one that nobody has heard of; a lab has too few of them.
func (h *hall) id() crdt.ID {
	h.made++
	return numberedID(h.made)
}

// invented returns entries of so many IDs that nobody has heard of, half of them dead.
func (h *hall) invented(n int) (e crdt.Entries) {
	for i := range n {
		hero := heroOf(h.lab, 50, h.now, h.now, false)
		hero.ID = h.id()
		if i%2 == 0 {
			e.Heroes = append(e.Heroes, hero)
		} else {
			e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: hero.ID, Version: hero.Version})
		}
	}
	return e
}

func (h *hall) holds() int { return h.core.size() }

// ways are the ways in which entries come from others.
func (h *hall) ways(from string, known bool) map[string]func(crdt.Entries) Reply {
	by := func(source Source) func(crdt.Entries) Reply {
		return func(e crdt.Entries) Reply {
			return h.step(h.core, Update{Entries: e, Source: source, From: from, Known: known})
		}
	}
	return map[string]func(crdt.Entries) Reply{
		"delta": by(SourceGossip), "sync": by(SourceSync), "update": by(SourceCaller),
		"entries of an order": func(e crdt.Entries) Reply {
			return h.step(h.core, Assign{Caller: Caller{Name: from, Request: h.id()}, Hero: h.id(), With: e})
		},
	}
}

func TestAFullCityTakesNothingButWhatItKnows(t *testing.T) {
	for _, way := range []string{"delta", "sync", "update", "entries of an order"} {
		h := newHall(t, 10)
		known := h.invented(10)
		if reply := h.done(h.core, Update{Entries: known, Source: SourceSync, From: "friend", Known: true}); reply.Changed != 10 {
			t.Fatalf("%s: %d of 10 fit", way, reply.Changed)
		}
		healed, more := known.Heroes[0], h.invented(4)
		healed.Health++
		healed.Version.HLC = healed.Version.HLC.Next()
		dies := crdt.Tombstone{ID: known.Heroes[1].ID, Version: known.Heroes[1].Version}
		more.Heroes, more.Tombstones = append(more.Heroes, healed), append(more.Tombstones, dies)
		h.ways("stranger", false)[way](more)
		if !h.core.Full() || h.holds() != 10 {
			t.Errorf("%s: full %t, with %d entries", way, h.core.Full(), h.holds())
		}
		if got := h.core.Record(healed.ID); got.Hero != healed {
			t.Errorf("%s: a known hero is %+v, want %+v", way, got.Hero, healed)
		}
		if got := h.core.Record(dies.ID); got.Kind != crdt.KindTombstone {
			t.Errorf("%s: the death of a known hero does not get in: %+v", way, got)
		}
	}
}

func TestAFullCityDeniesNoHeroAndMakesNone(t *testing.T) {
	h := newHall(t, 4)
	for range 4 {
		h.done(h.core, Create{Caller: Caller{Name: "admin", Request: h.id()}, HeroName: "Robin"})
	}
	caller := Caller{Name: "admin", Request: h.id()}
	refusedAs(t, "a create", h.step(h.core, Create{Caller: caller, HeroName: "Robin"}), Unavailable)
	refusedAs(t, "an order for a hero that may have been left out", h.step(h.core, Assign{Caller: caller, Hero: h.id()}), Unavailable)
	refusedAs(t, "the same", h.step(h.core, Retire{Caller: caller, Hero: h.id()}), Unavailable)
}

func TestWhatTheOwnStoreHoldsIsTakenHoweverFullTheCityIs(t *testing.T) {
	h := newHall(t, 4)
	if reply := h.done(h.core, Update{Entries: h.invented(10), Source: SourceStore}); reply.Changed != 10 {
		t.Errorf("%d of 10 are taken", reply.Changed)
	}
}

func TestAnUpdateThatDoesNotFitSaysWhatWasLeftOut(t *testing.T) {
	h := newHall(t, 8)
	reply := h.done(h.core, Update{Entries: h.invented(10), Source: SourceSync, From: "friend", Known: true})
	if reply.Changed != 8 || reply.Skipped != 2 || reply.LeftOut.Len() != 2 || reply.Over != 0 {
		t.Errorf("%d changed, %d skipped, %d left out, %d over", reply.Changed, reply.Skipped, reply.LeftOut.Len(), reply.Over)
	}
}

func TestHalfOfACityIsKeptForAdminsAndForCitiesThatAreKnown(t *testing.T) {
	for _, way := range []string{"delta", "sync", "update", "entries of an order"} {
		h := newHall(t, 20)
		h.ways("stranger", false)[way](h.invented(15))
		if h.holds() != 10 || !h.core.Full() {
			t.Errorf("%s: a stranger fills %d of 20, full %t", way, h.holds(), h.core.Full())
		}
		refusedAs(t, way+": a stranger's create", h.step(h.core, Create{Caller: Caller{Name: "stranger", Request: h.id()}, HeroName: "Robin"}), Unavailable)
		h.done(h.core, Create{Caller: Caller{Name: "admin", Request: h.id()}, HeroName: "Robin"})
		if h.ways("friend", true)["sync"](h.invented(15)); h.holds() != 20 {
			t.Errorf("%s: friends fill %d of 20", way, h.holds())
		}
	}
}

// Whatever the way, a stranger pays from one budget, and all strangers from another.
func TestNewIDsArePaidFromOneBudgetWhateverTheWay(t *testing.T) {
	h := newHall(t, 1<<20)
	const part = 1 << 10
	bring := func(from string) (taken int) {
		before := h.holds()
		for range 4 * strangersNewBurst / part {
			for _, way := range h.ways(from, false) {
				way(h.invented(part))
			}
			reply := h.step(h.core, Create{Caller: Caller{Name: from, Request: h.id()}, HeroName: "Robin"})
			if ReasonOf(reply.Err) == Busy {
				break
			}
		}
		return h.holds() - before
	}
	if got := bring("one"); got != strangerNewBurst {
		t.Errorf("one brings %d at once, want %d", got, strangerNewBurst)
	}
	refusedAs(t, "an update beyond it", h.ways("one", false)["update"](h.invented(part)), Busy)
	if reply := h.ways("one", false)["sync"](h.invented(part)); reply.Err != nil || reply.Over != part || reply.LeftOut.Len() != 0 {
		t.Errorf("a sync beyond it: %d over, %d left out: %v", reply.Over, reply.LeftOut.Len(), reply.Err)
	}
	if got := bring("two") + bring("three"); got != strangersNewBurst-strangerNewBurst {
		t.Errorf("two others bring %d at once, want %d", got, strangersNewBurst-strangerNewBurst)
	}
	if got := h.ways("friend", true)["sync"](h.invented(part)); got.Changed != part {
		t.Errorf("a city that is known brings %d of %d", got.Changed, part)
	}
	if h.core.Full() {
		t.Error("what comes too fast is taken for what does not fit")
	}
	h.core.Ran(time.Second)
	if got := bring("one"); got != strangerNewRate {
		t.Errorf("one brings %d a second later, want %d", got, strangerNewRate)
	}
}

func TestTheBudgetsOfNewIDsFollowTheConfig(t *testing.T) {
	for _, wrong := range []int{-1, newIDsMax + 1} {
		if err := (Config{Name: "gotham", NewIDs: wrong}).Validate(); err == nil {
			t.Errorf("NewIDs %d is taken", wrong)
		}
	}
	n := newNewcomers(Config{NewIDs: 2 * DefaultNewIDs}.WithDefaults())
	one := bringer{name: "one"}
	if got := n.budget(one, 0); got != 2*strangerNewBurst {
		t.Errorf("one may bring %d at once, want %d", got, 2*strangerNewBurst)
	}
	n.pay(one, 2*strangerNewBurst, 0)
	if got := n.budget(one, time.Second); got != 2*strangerNewRate {
		t.Errorf("one may bring %d a second later, want %d", got, 2*strangerNewRate)
	}
	if got := n.budget(bringer{name: "friend", known: true}, 0); got != 2*knownNewBurst {
		t.Errorf("a known city may bring %d at once, want %d", got, 2*knownNewBurst)
	}
}

func TestWhatIsKnownCostsNoBudget(t *testing.T) {
	h := newHall(t, 1<<20)
	known := h.invented(100)
	for n := range 2 * strangerNewBurst / 100 {
		if reply := h.ways("stranger", false)["update"](known); reply.Err != nil {
			t.Fatalf("the %d. time: %v", n, reply.Err)
		}
	}
}

// Names of strangers cost nothing, so what is remembered of them is bounded; those who are
// not remembered pay from what all have.
func TestTheMemoryOfWhoPaidIsBounded(t *testing.T) {
	n := newNewcomers(Config{EntriesMax: 1 << 20}.WithDefaults())
	for i := range 2 * payersMax {
		name := string(rune(i)) + "x"
		if n.budget(bringer{name: name}, 0) > 0 {
			n.pay(bringer{name: name}, 1, 0)
		}
	}
	if got := len(n.strangers.byName); got != payersMax {
		t.Errorf("%d are remembered, want %d", got, payersMax)
	}
	if left := n.budget(bringer{name: "another"}, 0); left != min(strangerNewBurst, strangersNewBurst-2*payersMax) {
		t.Errorf("%d left", left)
	}
	n.pay(bringer{name: "later"}, 1, time.Minute)
	if got := len(n.strangers.byName); got != 1 {
		t.Errorf("%d are remembered whose budgets are whole, want none but the last", got-1)
	}
}
