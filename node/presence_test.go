package node

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// What detection promises of a city that is cut off or frozen.
const (
	suspectSoon = 2 * time.Second
	failedSoon  = 5 * time.Second
	backSoon    = 3 * time.Second
)

// awaitStatus waits until the watchers have the city under that status.
func awaitStatus(t *testing.T, of *member, want CityStatus, watchers ...*member) {
	t.Helper()
	for _, w := range watchers {
		eventually(t, of.cfg.City.Name+" is "+string(want), func() bool {
			e, _ := w.directory.Get(of.Peer())
			return e.Status == want
		})
	}
}

// told are the statuses of a city that the events told of, in order.
func (w *witness) told(city string) (statuses []CityStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.cities {
		if e.Name == city {
			statuses = append(statuses, e.Status)
		}
	}
	return statuses
}

func TestACityThatStopsSaysGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "c0", "c1", "c2")
		awaitAlive(t, cities...)
		time.Sleep(5 * time.Second) // the mesh is built
		within(t, 2*time.Second, "leaving", func() {
			cities[2].leave(t)
			awaitStatus(t, cities[2], Left, cities[:2]...)
		})
		if err := cities[2].err; err != nil {
			t.Errorf("it ended with %v", err)
		}
		time.Sleep(time.Minute)
		for _, c := range cities[:2] {
			s := c.status(t)
			if told := c.told("c2"); len(told) != 2 || told[1] != Left || s.Left != 1 || s.Failed != 0 {
				t.Errorf("%s was told %v, shows %+v", c.cfg.City.Name, told, s)
			}
		}
	})
}

func TestACityThatVanishesHasFailedAndComesBackAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t) // where nobody is told that a connection is dead
		cfg := quiet("gotham")
		cities := []*member{net.start(t, quiet("metropolis"))}
		cities = append(cities, net.start(t, quiet("star"), cities[0]), net.start(t, cfg, cities[0]))
		awaitReady(t, cities...)
		awaitAlive(t, cities...)
		gone, watchers := cities[2], cities[:2]
		time.Sleep(time.Minute)
		net.cut(gone.host)
		within(t, suspectSoon, "suspecting that it is gone", func() {
			awaitStatus(t, gone, Suspect, watchers...)
			awaitStatus(t, watchers[0], Suspect, gone) // as it sees them
		})
		within(t, failedSoon-suspectSoon, "noticing that it is gone", func() {
			awaitStatus(t, gone, Failed, watchers...)
			awaitStatus(t, watchers[0], Failed, gone)
		})
		time.Sleep(10 * time.Second)
		net.heal()
		within(t, backSoon, "coming back", func() {
			awaitStatus(t, gone, Alive, watchers...)
			awaitStatus(t, watchers[0], Alive, gone)
		})
		for _, c := range cities {
			eventually(t, c.cfg.City.Name+" gossips with all again", func() bool { return len(c.presences()) == 2 })
		}
		if told := watchers[0].told("gotham"); !slices.Equal(told, []CityStatus{Alive, Suspect, Failed, Alive}) {
			t.Errorf("told %v", told)
		}
	})
}

func TestACityThatIsStartedAgainIsAliveInANewIncarnation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		metropolis := net.start(t, quiet("metropolis"))
		cfg := quiet("gotham")
		cfg.Identity, cfg.DataDir, cfg.Ephemeral = newKey(t), t.TempDir(), true
		gotham := net.start(t, cfg, metropolis)
		awaitReady(t, metropolis, gotham)
		awaitAlive(t, metropolis, gotham)
		hero := gotham.create(t, "Batman")
		awaitEqual(t, metropolis, gotham)
		before := gotham.facts.Incarnation()
		net.vanish(t, gotham)
		awaitStatus(t, gotham, Failed, metropolis)
		time.Sleep(time.Minute)
		again := net.start(t, cfg, metropolis)
		awaitReady(t, again)
		awaitStatus(t, again, Alive, metropolis)
		awaitEqual(t, metropolis, again)
		if e, _ := metropolis.directory.Get(again.Peer()); e.Presence.Incarnation <= before || again.Peer() != gotham.Peer() {
			t.Errorf("incarnation %v after %v", e.Presence.Incarnation, before)
		}
		if again.record(t, hero.ID) != metropolis.record(t, hero.ID) {
			t.Error("it has not learned what it forgot")
		}
	})
}
