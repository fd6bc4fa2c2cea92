package node

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// wrongClock is a clock that is ahead of the true time, until it is set right.
type wrongClock struct{ ahead atomic.Int64 }

func (c *wrongClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// fastCity is a city whose clock is so far ahead.
func fastCity(name string, ahead time.Duration) (Config, *wrongClock) {
	clock := new(wrongClock)
	clock.ahead.Store(int64(ahead))
	cfg := quiet(name)
	cfg.Now = clock.now
	return cfg, clock
}

func TestAClockAnHourAheadHoldsUpOnlyTheHeroesItTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		cfg, clock := fastCity("fast", time.Hour)
		fast := net.start(t, cfg, gotham) // with one witness it trusts its clock
		awaitReady(t, gotham, fast)
		awaitAlive(t, gotham, fast)
		touched, other := gotham.create(t, "Flash"), gotham.create(t, "Batman")
		awaitEqual(t, gotham, fast)
		moved, made := fast.assign(t, touched.ID), fast.create(t, "Jay")
		time.Sleep(time.Minute)

		if got := gotham.record(t, touched.ID).Hero; got != touched {
			t.Errorf("the touched one is %+v, want as it was", got)
		}
		if got := gotham.record(t, made.ID); got.Kind != crdt.KindNone {
			t.Errorf("one from the future is held: %+v", got)
		}
		if s := gotham.status(t); s.FutureSkipped == 0 || s.Alive != 1 || s.ClockDoubt != "" {
			t.Errorf("status %+v", s)
		}
		healed := gotham.assign(t, other.ID)
		within(t, 2*time.Second, "an order for another hero", func() {
			eventually(t, "fast has the order", func() bool { return fast.record(t, other.ID).Hero == healed })
		})

		clock.ahead.Store(0)
		after := fast.create(t, "Wally")
		within(t, 2*time.Second, "a hero made by the corrected clock", func() {
			eventually(t, "gotham has it", func() bool { return gotham.record(t, after.ID).Hero == after })
		})
		_, err := fast.city.Do(t.Context(), city.Assign{Caller: orderer(newID()), Hero: touched.ID})
		if city.ReasonOf(err) != city.Unavailable {
			t.Errorf("an order after one of the future: %v", err)
		}
		time.Sleep(time.Hour)
		awaitEqual(t, gotham, fast)
		if gotham.record(t, touched.ID).Hero != moved || gotham.record(t, made.ID).Hero != made {
			t.Error("what was due has not come")
		}
		fast.assign(t, touched.ID)
	})
}

func TestACityThatAllOthersContradictDistrustsItsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "gotham", "metropolis")
		cfg, clock := fastCity("fast", time.Hour)
		fast := net.start(t, cfg, cities[1])
		cities = append(cities, fast)
		awaitReady(t, fast)
		awaitAlive(t, cities...)
		time.Sleep(2 * time.Second) // clocks are judged each second
		create := city.Create{Caller: orderer(newID()), HeroName: "Flash", Here: true}
		if _, err := fast.city.Do(t.Context(), create); city.ReasonOf(err) != city.Unavailable {
			t.Errorf("an own write: %v", err)
		}
		if s := fast.status(t); s.ClockDoubt == "" {
			t.Errorf("status %+v", s)
		}
		hero := cities[0].create(t, "Batman")
		awaitEqual(t, cities...)
		if got := fast.record(t, hero.ID).Hero; got != hero {
			t.Errorf("it does not take what comes: %+v", got)
		}
		clock.ahead.Store(0)
		time.Sleep(waitMax) // each of the others is heard again
		if s := fast.status(t); s.ClockDoubt != "" {
			t.Errorf("the corrected clock is not trusted: %s", s.ClockDoubt)
		}
		fast.do(t, create)
		awaitEqual(t, cities...)
		for _, c := range cities {
			if s := c.status(t); s.FutureSkipped != 0 {
				t.Errorf("%s skipped %d", c.cfg.City.Name, s.FutureSkipped)
			}
		}
	})
}

func TestAPeerThatStamps59SecondsAheadSlowsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "gotham", "metropolis")
		cfg, _ := fastCity("fast", 59*time.Second)
		fast := net.start(t, cfg, cities[1])
		awaitReady(t, fast)
		cities = append(cities, fast)
		awaitAlive(t, cities...)
		ours := cities[0].create(t, "Batman")
		awaitEqual(t, cities...)
		theirs, ordered := fast.create(t, "Flash"), fast.create(t, "Jay")
		fast.assign(t, ordered.ID)
		within(t, 2*time.Second, "taking them", func() { awaitEqual(t, cities...) })

		for range 3 {
			moved := cities[0].assign(t, ours.ID)
			if skew := time.Until(moved.Version.HLC.Time()); skew > 0 {
				t.Errorf("our own stamps were moved %v ahead", skew)
			}
			awaitEqual(t, cities...)
			ours = cities[1].assign(t, ours.ID)
			awaitEqual(t, cities...)
		}
		cities[0].assign(t, theirs.ID) // never ordered before, so at once
		awaitEqual(t, cities...)
		// So does the hero that it ordered itself, again and again.
		for range 3 {
			cities[0].assign(t, ordered.ID)
			cities[1].assign(t, ordered.ID)
		}
		awaitEqual(t, cities...)
		for _, c := range cities {
			if s := c.status(t); s.FutureSkipped != 0 || s.ClockDoubt != "" {
				t.Errorf("%s: %+v", c.cfg.City.Name, s)
			}
		}
	})
}

func TestADeathUnderAFastClockIsLearnedByAll(t *testing.T) {
	for fact, noGossip := range map[string]bool{"by gossip": false, "by anti-entropy": true} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				cfg, _ := fastCity("fast", time.Hour)
				cfg.NoGossip = noGossip
				fast := net.start(t, cfg)
				cities := []*member{fast, net.start(t, quiet("gotham"), fast)}
				awaitReady(t, cities...)
				awaitAlive(t, cities...)
				hero := cities[1].create(t, "Robin")
				awaitEqual(t, cities...)
				dead := fast.do(t, city.Retire{Caller: orderer(newID()), Hero: hero.ID}).Tombstone
				cities = append(cities, net.start(t, quiet("metropolis"), cities[1]))
				awaitReady(t, cities...)
				awaitEqual(t, cities...)
				if got := cities[2].record(t, hero.ID); got.Tombstone != dead {
					t.Errorf("the third city holds %+v", got)
				}
				for _, c := range cities[1:] {
					if s := c.status(t); s.FutureSkipped != 0 {
						t.Errorf("%s skipped %d", c.cfg.City.Name, s.FutureSkipped)
					}
				}
			})
		})
	}
}
