package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

const (
	// hourCities is how many real QUIC hosts there are.
	hourCities = 12
	// dropsMax is how many deltas each may drop, as where it has several connections to
	// another at first and one of them ends. Anti-entropy brings what they held.
	dropsMax = 3
	// hourRounds is how often each city gets a new hero, which lasts for some
	// ten fights.
	hourRounds = 6
)

// hour is a virtual hour, in rounds; under the race detector it is five minutes
// in one.
func hour() (rounds int, round time.Duration) {
	if raceEnabled {
		return 1, 5 * time.Minute
	}
	return hourRounds, time.Hour / hourRounds
}

// quicCities are cities of the given configuration, on real QUIC hosts, that
// are told of the first one only.
func quicCities(t *testing.T, net *simNet, n int, configure func(*Config)) []*member {
	t.Helper()
	var cities []*member
	for _, name := range cityNames(n) {
		cfg := quiet(name)
		configure(&cfg)
		cities = append(cities, net.start(t, cfg, cities[:min(len(cities), 1)]...))
	}
	awaitReady(t, cities...)
	awaitAlive(t, cities...)
	return cities
}

func TestAfterAnHourOfPatrolsAndFightsAllHoldTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := quicCities(t, newSimNet(t), hourCities, func(cfg *Config) {
			cfg.City.PatrolEvery, cfg.City.FightEvery = city.DefaultPatrolEvery, city.DefaultFightEvery
		})
		rounds, round := hour()
		for range rounds {
			for i, c := range cities {
				hero := c.create(t, "hero of "+c.cfg.City.Name)
				if i%3 == 0 { // somebody else may need help
					time.Sleep(10 * time.Second)
					_, _ = cities[(i+1)%len(cities)].city.Do(t.Context(), city.Assign{Caller: orderer(newID()), Hero: hero.ID}) // may have died
				}
			}
			time.Sleep(round - hourCities/3*10*time.Second)
		}
		for _, c := range cities { // at home nobody patrols or fights
			c.sendHome(t)
		}
		within(t, healSoon, "the last changes", func() { awaitEqual(t, cities...) })
		still := cities[0].summary()
		if made := rounds * hourCities; still.Tombstones == 0 || still.Heroes+still.Tombstones != uint64(made) {
			t.Errorf("%d heroes and %d tombstones, want %d together, some of them dead", still.Heroes, still.Tombstones, made)
		}
		time.Sleep(time.Minute)
		for _, c := range cities {
			if s := c.status(t); s.Summary != still || s.Alive != hourCities-1 || s.Restarts != 0 || s.FutureSkipped != 0 {
				t.Errorf("%s: %+v, want %v", c.cfg.City.Name, s, still)
			} else if s.DeltasDropped > dropsMax {
				t.Errorf("%s: gossip dropped %d deltas", c.cfg.City.Name, s.DeltasDropped)
			}
		}
	})
}

// sendHome orders all heroes of the member's own city home.
func (m *member) sendHome(t *testing.T) {
	t.Helper()
	var here []crdt.Hero
	inc, err := m.city.Current()
	if err != nil {
		t.Fatal(err)
	}
	for at, more := crdt.Cursor(0), true; more; {
		page, err := inc.PageAt(t.Context(), m.cfg.City.Name, at)
		if err != nil {
			t.Fatal(err)
		}
		here = append(here, page.Entries.Heroes...)
		at, more = page.Next, page.More
	}
	for _, hero := range here {
		m.do(t, city.Assign{Caller: orderer(newID()), Hero: hero.ID, Home: true})
	}
}

func TestAPartitionOfQUICHostsHealsWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cities := quicCities(t, net, hourCities, func(*Config) {})
		for _, c := range cities {
			c.create(t, "hero of "+c.cfg.City.Name)
		}
		awaitEqual(t, cities...)
		half := len(cities) / 2
		for _, c := range cities[:half] {
			net.cut(c.host)
		}
		for range 6 {
			for _, c := range cities {
				c.create(t, "cut off in "+c.cfg.City.Name)
			}
			time.Sleep(10 * time.Second)
		}
		if !equal(cities[:half]) || !equal(cities[half:]) || equal(cities) {
			t.Error("the sides are not equal within, or equal to each other")
		}
		net.heal()
		within(t, healSoon, "healing", func() {
			awaitEqual(t, cities...)
			for _, c := range cities {
				eventually(t, c.cfg.City.Name+" is connected to all and knows it", func() bool {
					s := c.status(t)
					return s.Peers == len(cities)-1 && s.Alive == len(cities)-1
				})
			}
		})
		time.Sleep(healSoon)
		hero := cities[0].create(t, "after it all")
		within(t, time.Second, "gossip after the partition", func() {
			for _, c := range cities {
				eventually(t, "the hero is known", func() bool { return c.record(t, hero.ID).Kind == crdt.KindHero })
			}
		})
	})
}
