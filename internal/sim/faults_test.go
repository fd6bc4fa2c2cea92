package sim

import (
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
)

// calmWorld is a number of cities with good clocks and a good network, without
// ticks and dispatchers, all of them open.
func calmWorld(t *testing.T, cities int) *world {
	t.Helper()
	p := profile{
		cities:          cities,
		tickEvery:       time.Hour,
		presenceEvery:   10 * time.Second,
		syncEvery:       time.Second,
		pageBytes:       200,
		delay:           10 * time.Millisecond,
		stores:          true,
		waitingBytesMax: 64 << 10,
	}
	w := newWorldOf(Config{Seed: 1}, p, stream(1, 0))
	for _, n := range w.nodes {
		n.start()
		n.step(city.Open{})
	}
	t.Cleanup(func() {
		if w.failure != nil {
			t.Error(w.failure)
		}
	})
	return w
}

// pass lets d of virtual time pass.
func (w *world) pass(d time.Duration) {
	done := false
	w.after(d, "passed", func() { done = true })
	for !done {
		e, _ := w.queue.pop()
		w.happen(e)
	}
}

func (n *node) createHere(t *testing.T, id crdt.ID) {
	t.Helper()
	if reply, _ := n.step(city.Create{Caller: city.Caller{Request: id}, HeroName: "Batman", Here: true}); reply.Err != nil {
		t.Fatal(reply.Err)
	}
}

// bombNow has a city crash at once.
func (n *node) bombNow() {
	n.void()
	n.journal.step(durable.Raised{Epoch: n.disk.epoch})
	n.step(city.Bomb{})
}

func TestABombDoesNotResurrectAHeroWhoseDeathTheNeighboursKnow(t *testing.T) {
	w := calmWorld(t, 3)
	bombed, id := w.nodes[0], requestID(0, 1)
	bombed.createHere(t, id)
	w.pass(time.Second)
	stale := w.nodes[1].core.State().Record(id).Entries()
	if reply, _ := bombed.step(city.Retire{Hero: id}); reply.Err != nil {
		t.Fatal(reply.Err)
	}
	w.pass(time.Second)
	bombed.bombNow()
	w.pass(5 * time.Second)
	if !bombed.core.IsOpen() || bombed.life != 2 {
		t.Fatalf("after the bomb: life %d, open %t", bombed.life, bombed.core.IsOpen())
	}
	// A dispatcher that has an old copy tries to bring the hero back.
	reply, _ := bombed.step(city.Assign{Hero: id, With: stale})
	if city.ReasonOf(reply.Err) != city.Dead {
		t.Errorf("assign with a stale copy: %+v, want dead", reply)
	}
}

func TestAStaleCopyTakenInBeforeTheFirstSyncDoesNotOutliveIt(t *testing.T) {
	w := calmWorld(t, 2)
	bombed, other, id := w.nodes[0], w.nodes[1], requestID(0, 1)
	bombed.createHere(t, id)
	w.pass(time.Second)
	stale := other.core.State().Record(id).Entries()
	bombed.step(city.Retire{Hero: id})
	w.pass(time.Second)
	bombed.bombNow()
	bombed.start() // at once, so that nothing has been synced
	if reply, _ := bombed.step(city.Assign{Hero: id, With: stale}); reply.Err != nil {
		t.Fatalf("the city knows nothing of the death yet: %v", reply.Err)
	}
	w.pass(5 * time.Second)
	for _, n := range w.nodes {
		if r := n.core.State().Record(id); r.Kind != crdt.KindTombstone {
			t.Errorf("%v holds %s, want the tombstone", n, describeRecord(r))
		}
	}
}

func TestABombedCityDoesNotSayNotFoundOfWhatItsNeighboursHold(t *testing.T) {
	w := calmWorld(t, 2)
	bombed, other, id := w.nodes[0], w.nodes[1], requestID(0, 1)
	other.createHere(t, id)
	w.pass(time.Second)
	bombed.bombNow()
	bombed.start()
	if reply, _ := bombed.step(city.Assign{Hero: id}); city.ReasonOf(reply.Err) != city.Unavailable {
		t.Errorf("before the first sync: %+v, want unavailable", reply)
	}
	w.pass(time.Second)
	if reply, _ := bombed.step(city.Assign{Hero: id}); reply.Err != nil {
		t.Errorf("after the first sync: %v", reply.Err)
	}
}

func TestACityBombedWithoutNeighboursHasLostAllAndOpens(t *testing.T) {
	w := calmWorld(t, 2)
	alone, id := w.nodes[0], requestID(0, 1)
	w.cut(1, false, 1)
	alone.createHere(t, id)
	alone.bombNow()
	w.pass(10 * time.Second)
	if reply, _ := alone.step(city.Assign{Hero: id}); city.ReasonOf(reply.Err) != city.NotFound {
		t.Errorf("assign: %+v, want not found", reply)
	}
}

func TestASyncThatIsCutOpensNoCity(t *testing.T) {
	w := calmWorld(t, 2)
	bombed, other := w.nodes[0], w.nodes[1]
	other.createHere(t, requestID(0, 1))
	w.pass(time.Second)
	bombed.bombNow()
	bombed.start()
	w.pass(2 * time.Millisecond) // the hello is answered, the pages are not
	w.cut(1, true, 1)
	w.pass(3 * time.Second)
	if bombed.core.IsOpen() {
		t.Error("open after half a sync")
	}
	w.cut(1, true, -1)
	w.pass(10 * time.Second)
	if !bombed.core.IsOpen() {
		t.Error("not open after a whole one")
	}
}

func TestOneClockAnHourAheadStopsOnlyItself(t *testing.T) {
	w := calmWorld(t, 3)
	fast, good, id := w.nodes[0], w.nodes[1], requestID(0, 1)
	fast.clock.offset = time.Hour
	for _, n := range w.nodes {
		n.sendPresence()
	}
	w.pass(time.Second)
	create := func(n *node, id crdt.ID) city.Reason {
		reply, _ := n.step(city.Create{Caller: city.Caller{Request: id}, HeroName: "Batman", Here: true})
		return city.ReasonOf(reply.Err)
	}
	if r := create(fast, id); r != city.Unavailable {
		t.Errorf("the fast city: %q, want unavailable", r)
	}
	if r := create(good, id); r != 0 {
		t.Errorf("a good one: %q", r)
	}
}
