package node

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// gossipSoon is a bound on how long gossip takes through a few mocknet hosts.
const gossipSoon = 200 * time.Millisecond

func TestAHeroReachesEveryCityOfAChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := newMockNet(t).quietChain(t, cityNames(8)...)
		awaitAlive(t, cities...)
		time.Sleep(5 * time.Second) // the mesh is built
		hero := cities[0].create(t, "Batman")
		within(t, gossipSoon, "a new hero", func() { awaitEqual(t, cities...) })
		cities[7].assign(t, hero.ID)
		within(t, gossipSoon, "an order at the other end", func() { awaitEqual(t, cities...) })
		cities[3].do(t, city.Retire{Caller: orderer(newID()), Hero: hero.ID})
		within(t, gossipSoon, "a death", func() { awaitEqual(t, cities...) })
		if got := cities[0].record(t, hero.ID); got.Kind != crdt.KindTombstone {
			t.Errorf("the first city holds %+v", got)
		}
	})
}

func TestManyChangesAtOnceReachEveryCity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := newMockNet(t).quietChain(t, cityNames(4)...)
		awaitAlive(t, cities...)
		time.Sleep(5 * time.Second)
		for range 2000 { // more than one delta holds
			cities[1].create(t, "Batman")
		}
		awaitEqual(t, cities...)
		if got := cities[3].summary(); got.Heroes != 2000 {
			t.Errorf("%d heroes, want 2000", got.Heroes)
		}
		for _, c := range cities {
			if n := c.status(t).DeltasDropped; n != 0 {
				t.Errorf("%s dropped %d changes", c.cfg.City.Name, n)
			}
		}
	})
}

func TestAClusterConvergesWithGossipSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var configs []Config
		for _, name := range cityNames(8) {
			cfg := quiet(name)
			cfg.NoGossip = true
			configs = append(configs, cfg)
		}
		cities := newMockNet(t).chain(t, configs...)
		awaitAlive(t, cities...)
		var heroes []crdt.Hero
		for _, c := range cities {
			heroes = append(heroes, c.create(t, "hero of "+c.cfg.City.Name))
		}
		awaitEqual(t, cities...)
		cities[0].assign(t, heroes[1].ID)
		cities[0].do(t, city.Retire{Caller: orderer(newID()), Hero: heroes[2].ID})
		time.Sleep(50 * time.Millisecond)
		if equal(cities) {
			t.Error("equal after a moment: it was gossip after all")
		}
		awaitEqual(t, cities...)
		if got := cities[7].record(t, heroes[1].ID).Hero.Location; got != "c0" {
			t.Errorf("the last city has the hero at %s", got)
		}
		if got := cities[7].summary(); got.Heroes != 7 || got.Tombstones != 1 {
			t.Errorf("the last city holds %v", got)
		}
	})
}

// A city that is restarted is told again of what it said before, and left a mesh
// that it does not remember. Neither keeps gossip from it.
func TestGossipReachesACityAgainAsSoonAsItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "gotham", "metropolis")
		awaitAlive(t, cities...)
		cfg := quiet("star")
		cfg.Identity, cfg.SyncEvery = newKey(t), time.Hour
		star := net.start(t, cfg, cities...)
		all := append(slices.Clone(cities), star)
		awaitAlive(t, all...)
		for n := range 20 {
			star.create(t, strconv.Itoa(n))
		}
		awaitEqual(t, all...)
		star.leave(t)
		star = net.start(t, cfg, cities...)
		all[2] = star
		awaitAlive(t, all...)
		awaitEqual(t, all...)
		time.Sleep(2 * time.Second) // of heartbeats
		for n := range 10 {
			hero := cities[n%2].create(t, strconv.Itoa(n))
			begun := time.Now()
			eventually(t, "the restarted city has it", func() bool { return star.record(t, hero.ID).Hero == hero })
			if took := time.Since(begun); took > gossipSoon {
				t.Errorf("a change took %v", took)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}
