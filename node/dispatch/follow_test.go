package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

const (
	gotham     = "gotham"
	metropolis = "metropolis"
	patience   = time.Minute
)

// A reading is a Follow that runs, and what it has told.
type reading struct {
	follower *follower
	updates  []Update
	lives    int
	backward string // what was told that must not have been
	cancel   context.CancelFunc
	ended    chan struct{} // closed when err is set
	err      error
}

// follow starts a follow of a location within a bubble. What it has told may be
// read while it waits, after synctest.Wait.
func follow(location string, cities ...*fakeCity) *reading {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reading{cancel: cancel, ended: make(chan struct{})}
	last := make(map[crdt.ID]crdt.Record)
	r.follower = &follower{
		memory:       newMemory(location, DefaultRememberedMax),
		keepLearning: func(context.Context) {},
		patience:     patience,
		logger:       slog.New(slog.DiscardHandler),
		yield: func(u Update, _ error) bool {
			r.updates = append(r.updates, u)
			if u.Live {
				r.lives++
				return true
			}
			if !newer(u.Change.New, last[u.Change.ID]) {
				r.backward = fmt.Sprintf("told %+v after %+v", u.Change.New, last[u.Change.ID])
			}
			last[u.Change.ID] = u.Change.New
			return true
		},
	}
	for _, c := range cities {
		r.follower.sources = append(r.follower.sources, c.source)
	}
	go func() {
		defer close(r.ended)
		r.err = r.follower.run(ctx)
	}()
	return r
}

// newer reports whether a record may be told after another one of its hero.
func newer(now, before crdt.Record) bool {
	switch {
	case before.Kind == crdt.KindNone:
		return true
	case before.Kind == crdt.KindTombstone:
		return false
	case now.Kind == crdt.KindTombstone:
		return true
	}
	return now.Hero.Version.Compare(before.Hero.Version) > 0
}

// stop ends the follow and waits for it.
func (r *reading) stop() {
	r.cancel()
	<-r.ended
}

// told returns, of each hero that was told, what was told last.
func (r *reading) told() map[crdt.ID]crdt.Record {
	last := make(map[crdt.ID]crdt.Record)
	for _, u := range r.updates {
		if !u.Live {
			last[u.Change.ID] = u.Change.New
		}
	}
	return last
}

// settle gives a follow the time to hear of everything.
func settle() {
	time.Sleep(3 * askAfterMax)
	synctest.Wait()
}

// An orderer stamps what the tests write.
type orderer struct{ now crdt.Stamp }

// hero returns a hero under a new order.
func (o *orderer) hero(id crdt.ID, location string) crdt.Hero {
	o.now++
	return crdt.Hero{
		ID: id, Name: "Batman", Location: location, Health: 100,
		Version: crdt.Version{Assigned: o.now, Replica: 1, HLC: o.now},
	}
}

func (o *orderer) death(id crdt.ID) crdt.Tombstone {
	o.now++
	return crdt.Tombstone{ID: id, Version: crdt.Version{Assigned: o.now, Replica: 1, HLC: o.now}}
}

func heroes(h ...crdt.Hero) crdt.Entries      { return crdt.Entries{Heroes: h} }
func deaths(d ...crdt.Tombstone) crdt.Entries { return crdt.Entries{Tombstones: d} }

// kindAt describes a record with regard to a location.
func kindAt(r crdt.Record, location string) string {
	switch {
	case r.Kind == crdt.KindTombstone:
		return "dead"
	case r.Kind == crdt.KindNone:
		return "unknown"
	case r.Hero.Location == location:
		return "here"
	}
	return "elsewhere"
}

func TestAFollowTellsWhatIsThereThenWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, o := newFakeCity(gotham), &orderer{}
		c.merge(heroes(o.hero(crdttest.IDOf(1), gotham), o.hero(crdttest.IDOf(2), metropolis)))
		r := follow(gotham, c)
		settle()
		c.merge(heroes(o.hero(crdttest.IDOf(2), gotham)))
		settle()
		r.stop()
		if len(r.updates) != 3 || !r.updates[1].Live || r.updates[0].Change.ID != crdttest.IDOf(1) || r.updates[2].Change.ID != crdttest.IDOf(2) {
			t.Errorf("told %+v", r.updates)
		}
		if r.err != nil {
			t.Errorf("ended with %v, after it was live", r.err)
		}
	})
}

func TestDeathsDeparturesAndArrivalsInAGapAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, o := newFakeCity(gotham), &orderer{}
		for i := range 4 {
			c.merge(heroes(o.hero(crdttest.IDOf(i), gotham)))
		}
		r := follow(gotham, c)
		settle()
		c.setDown(true)
		c.cut()
		settle()
		c.merge(heroes(o.hero(crdttest.IDOf(0), metropolis), o.hero(crdttest.IDOf(4), gotham)))
		c.merge(deaths(o.death(crdttest.IDOf(1))))
		c.merge(heroes(o.hero(crdttest.IDOf(2), gotham)))
		c.setDown(false)
		settle()
		r.stop()
		if n := len(r.updates); n != 4+1+4+1 {
			t.Errorf("%d updates, want 10: %+v", n, r.updates)
		}
		if last := r.updates[len(r.updates)-1]; !last.Live {
			t.Errorf("after the end of the gap it told %+v", last)
		}
		told := r.told()
		for i, want := range []string{"elsewhere", "dead", "here", "here", "here"} {
			if got := kindAt(told[crdttest.IDOf(i)], gotham); got != want {
				t.Errorf("hero %d is told to be %s, want %s", i, got, want)
			}
		}
	})
}

// The other city has not heard of the hero when it begins to tell, and hears of
// the death in one step, which for it concerns no place.
func TestWhatACityLearnsInOneStepAfterAGapIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, other, o := newFakeCity(gotham), newFakeCity(metropolis), &orderer{}
		c.merge(heroes(o.hero(crdttest.IDOf(0), gotham), o.hero(crdttest.IDOf(1), gotham)))
		r := follow(gotham, c, other)
		settle()
		c.setDown(true)
		c.cut()
		settle()
		if r.lives != 2 {
			t.Fatalf("%d times live, want 2", r.lives)
		}
		other.merge(deaths(o.death(crdttest.IDOf(0))))
		other.merge(heroes(o.hero(crdttest.IDOf(1), metropolis)))
		settle()
		r.stop()
		told := r.told()
		for i, want := range []string{"dead", "elsewhere"} {
			if got := kindAt(told[crdttest.IDOf(i)], gotham); got != want {
				t.Errorf("hero %d is told to be %s, want %s", i, got, want)
			}
		}
	})
}

func TestACityThatLagsTellsNothingAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, other, o := newFakeCity(gotham), newFakeCity(metropolis), &orderer{}
		c.merge(heroes(o.hero(crdttest.IDOf(0), gotham), o.hero(crdttest.IDOf(1), gotham)))
		other.merge(c.all())
		r := follow(gotham, c, other)
		settle()
		c.merge(deaths(o.death(crdttest.IDOf(0))))
		c.merge(heroes(o.hero(crdttest.IDOf(1), metropolis)))
		settle()
		before := len(r.updates)
		c.setDown(true)
		c.cut()
		settle()
		if told := r.updates[before:]; len(told) != 1 || !told[0].Live {
			t.Errorf("told %+v", told)
		}
		r.stop()
	})
}

func TestAFollowEndsWhereNoCityAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCity(gotham)
		c.setDown(true)
		begin := time.Now()
		r := follow("", c)
		<-r.ended
		if took := time.Since(begin); !errors.Is(r.err, ErrUnreachable) || took < patience || took > patience+2*pauseMax {
			t.Errorf("%v after %v", r.err, took)
		}
		r = follow("", c)
		time.Sleep(time.Second)
		r.stop()
		if !errors.Is(r.err, context.Canceled) {
			t.Errorf("%v, want that of its context", r.err)
		}
	})
}

func TestAFollowEndsBeforeItRemembersTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, o := newFakeCity(gotham), &orderer{}
		r := follow("", c)
		r.follower.memory.max = 2
		settle()
		for i := range 3 {
			c.merge(heroes(o.hero(crdttest.IDOf(i), gotham)))
		}
		<-r.ended
		if !errors.Is(r.err, ErrTooManyEntries) {
			t.Errorf("ended with %v", r.err)
		}
	})
}

func TestAMemoryForgetsThoseThatLeftFirst(t *testing.T) {
	m, o := newMemory(gotham, DefaultRememberedMax), &orderer{}
	stay := o.hero(crdttest.IDOf(0), gotham)
	merge := func(e crdt.Entries) {
		if _, err := m.merge(e); err != nil {
			t.Fatal(err)
		}
	}
	merge(heroes(stay))
	var first, last crdt.Hero
	for i := range settledMax + 1 {
		last = o.hero(crdttest.IDOf(i+1), gotham)
		merge(heroes(last))
		if i == 0 {
			first = last
		}
		merge(heroes(o.hero(last.ID, metropolis)))
	}
	s := m.state.Summary()
	if s.Heroes != settledMax/2+1 || m.state.Record(stay.ID).Hero != stay {
		t.Errorf("%d heroes are remembered, %+v", s.Heroes, m.state.Record(stay.ID))
	}
	for _, c := range []struct {
		hero crdt.Hero
		told int
	}{{first, 1}, {last, 0}, {stay, 0}} {
		if changes, err := m.merge(heroes(c.hero)); err != nil || len(changes) != c.told {
			t.Errorf("%d changes, want %d: %v", len(changes), c.told, err)
		}
	}
}

// The size of scripts: as few as can disagree in every way.
const (
	scriptCities = 3
	scriptHeroes = 5
)

// A script is what happens in a world: drawn first, then played in a bubble.
type script struct {
	location string // that is followed
	steps    []step
}

type step struct {
	what        string
	city, other int
	hero        int
	place       string
	wait        time.Duration
}

func drawScript(t *rapid.T) script {
	kinds := []string{"assign", "assign", "kill", "spread", "cut", "down", "up", "bomb", "wait", "wait"}
	waits := []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 80 * time.Millisecond, 3 * time.Second}
	one := rapid.Custom(func(t *rapid.T) step {
		return step{
			what:  rapid.SampledFrom(kinds).Draw(t, "what"),
			city:  rapid.IntRange(0, scriptCities-1).Draw(t, "city"),
			other: rapid.IntRange(0, scriptCities-1).Draw(t, "other"),
			hero:  rapid.IntRange(0, scriptHeroes-1).Draw(t, "hero"),
			place: rapid.SampledFrom([]string{gotham, metropolis, crdt.Home}).Draw(t, "place"),
			wait:  rapid.SampledFrom(waits).Draw(t, "wait"),
		}
	})
	return script{
		location: rapid.SampledFrom([]string{gotham, ""}).Draw(t, "location"),
		steps:    rapid.SliceOfN(one, 1, 40).Draw(t, "steps"),
	}
}

// A world is three cities, and what is done to them.
type world struct {
	orderer
	cities []*fakeCity
}

func newWorld() *world {
	return &world{cities: []*fakeCity{newFakeCity(gotham), newFakeCity(metropolis), newFakeCity("star")}}
}

func (w *world) play(s step) {
	c, id := w.cities[s.city], crdttest.IDOf(s.hero)
	switch s.what {
	case "assign":
		if c.record(id).Kind != crdt.KindTombstone {
			c.merge(heroes(w.hero(id, s.place)))
		}
	case "kill":
		if c.record(id).Kind == crdt.KindHero {
			c.merge(deaths(w.death(id)))
		}
	case "spread":
		w.cities[s.other].merge(c.all())
	case "cut":
		c.cut()
	case "down":
		c.setDown(true)
		c.cut()
	case "up":
		c.setDown(false)
	case "bomb": // the others have what it had
		w.spread()
		c.forgetAll()
	case "wait":
		time.Sleep(s.wait)
		synctest.Wait()
	}
}

// spread has every city learn what any knows.
func (w *world) spread() {
	for _, from := range w.cities {
		for _, to := range w.cities {
			to.merge(from.all())
		}
	}
}

// calm ends all faults and has every city learn everything.
func (w *world) calm() {
	for _, c := range w.cities {
		c.setDown(false)
	}
	w.spread()
	w.spread()
	settle()
}

// fault plays a script and returns what was told wrongly, "" if nothing was.
func (s script) fault() string {
	w := newWorld()
	r := follow(s.location, w.cities...)
	defer r.stop()
	for _, one := range s.steps {
		w.play(one)
	}
	w.calm()
	if r.backward != "" {
		return r.backward
	}
	for i := range scriptHeroes {
		id := crdttest.IDOf(i)
		if truth := w.cities[0].record(id); !agree(s.location, r.told()[id], truth) {
			return fmt.Sprintf("hero %s is told to be %+v, and is %+v", id, r.told()[id], truth)
		}
	}
	return ""
}

// agree reports whether what was told of a hero is true of the location.
func agree(location string, told, truth crdt.Record) bool {
	if told.Kind == crdt.KindTombstone {
		return truth.Kind == told.Kind // of two deaths of one hero one is told
	}
	if location == "" || kindAt(truth, location) == "here" || kindAt(told, location) == "here" {
		return told == truth
	}
	return true // it is not here, and was told to have left, to be dead, or nothing
}

// What was told, taken together, is what is true in the end: of the location, or
// of everything. Nothing is told twice, and nothing after something newer.
func TestWhateverHappensWhatIsToldIsWhatIsTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, fault := drawScript(rt), ""
		synctest.Test(t, func(*testing.T) { fault = s.fault() })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}
