package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// healSoon is how soon after its end a partition must have healed.
const healSoon = 10 * time.Second

func TestABombedCityDeniesNothingUntilItIsHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := newMockNet(t).quietChain(t, cityNames(8)...)
		awaitAlive(t, cities...)
		for _, c := range cities {
			c.create(t, "hero of "+c.cfg.City.Name)
		}
		awaitEqual(t, cities...)
		bombed := cities[3]
		bombed.do(t, city.Bomb{})
		unavailable := 0
		for denied := false; !denied; time.Sleep(mockLatency / 10) {
			_, err := bombed.city.Do(t.Context(), city.Assign{Caller: orderer(newID()), Hero: newID()})
			switch city.ReasonOf(err) {
			case city.Unavailable:
				unavailable++
			case city.NotFound:
				denied = true
			default:
				t.Fatalf("an unknown hero: %v", err)
			}
			if unavailable > int(waitMax/mockLatency) {
				t.Fatal("it never denies anything")
			}
		}
		if unavailable == 0 || bombed.summary() != cities[0].summary() {
			t.Errorf("unavailable %d times, then holds %v of %v", unavailable, bombed.summary(), cities[0].summary())
		}
		if bombed.crashed(childCity) != 1 || bombed.status(t).Restarts != 1 {
			t.Errorf("crashed %d times", bombed.crashed(childCity))
		}
		for _, c := range cities {
			eventually(t, c.cfg.City.Name+" knows the new incarnation", func() bool {
				e, _ := c.directory.Get(bombed.Peer())
				return c == bombed || e.Status == Alive && e.Presence.Incarnation == bombed.facts.Incarnation()
			})
		}
	})
}

func TestABombDoesNotResurrectAHeroWhoseDeathTheNeighboursKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := newMockNet(t).quietChain(t, cityNames(3)...)
		awaitAlive(t, cities...)
		stale := cities[0].create(t, "Robin")
		awaitEqual(t, cities...)
		cities[0].do(t, city.Retire{Caller: orderer(newID()), Hero: stale.ID})
		awaitEqual(t, cities...)
		cities[0].bomb(t)
		// Somebody still has the hero as it was, and brings it to the empty city.
		cities[0].do(t, city.Update{Entries: crdt.Entries{Heroes: []crdt.Hero{stale}}, Source: city.SourceCaller})
		awaitEqual(t, cities...)
		time.Sleep(time.Minute)
		for _, c := range cities {
			if got := c.record(t, stale.ID); got.Kind != crdt.KindTombstone {
				t.Errorf("%s holds %+v", c.cfg.City.Name, got)
			}
		}
	})
}

func TestAfterAPartitionTheLaterOrderHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, cityNames(8)...)
		awaitAlive(t, cities...)
		var heroes []crdt.ID
		for range 3 {
			heroes = append(heroes, cities[0].create(t, "Batman").ID)
		}
		awaitEqual(t, cities...)
		net.cut(cities[:4]...)
		cities[1].assign(t, heroes[0])
		time.Sleep(time.Second)
		cities[6].assign(t, heroes[0])
		cities[6].assign(t, heroes[1])
		time.Sleep(time.Second)
		cities[1].assign(t, heroes[1])
		cities[2].do(t, city.Retire{Caller: orderer(newID()), Hero: heroes[2]})
		time.Sleep(time.Second)
		cities[7].assign(t, heroes[2]) // of the dead, on the other side
		time.Sleep(time.Minute)
		if !equal(cities[:4]) || !equal(cities[4:]) || equal(cities) {
			t.Error("the sides are not equal within, or equal to each other")
		}
		net.heal()
		within(t, healSoon, "healing", func() { awaitEqual(t, cities...) })
		for i, want := range []string{"c6", "c1"} {
			if got := cities[3].record(t, heroes[i]).Hero.Location; got != want {
				t.Errorf("hero %d is at %s, want %s", i, got, want)
			}
		}
		if got := cities[7].record(t, heroes[2]); got.Kind != crdt.KindTombstone {
			t.Errorf("the dead hero is %+v", got)
		}
	})
}

func TestOfTwoOrdersInOneMillisecondTheLosersPatrolsUndoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, cityNames(3)...)
		awaitAlive(t, cities...)
		hero := cities[2].create(t, "Batman")
		awaitEqual(t, cities...)
		winner, loser := cities[0], cities[1]
		if winner.cfg.City.Replica < loser.cfg.City.Replica {
			winner, loser = loser, winner
		}
		net.cut(winner)
		won, lost := winner.assign(t, hero.ID), loser.assign(t, hero.ID)
		if won.Version.Assigned != lost.Version.Assigned {
			t.Fatalf("ordered at %v and %v", won.Version, lost.Version)
		}
		for range 3 { // long after the winner's last write
			time.Sleep(time.Second)
			loser.do(t, city.Patrol{})
			loser.do(t, city.Fight{})
		}
		if got := loser.record(t, hero.ID).Hero; got.Health == 100 || !got.Patrolling {
			t.Fatalf("the loser did not fight: %+v", got)
		}
		net.heal()
		within(t, healSoon, "healing", func() { awaitEqual(t, cities...) })
		for _, c := range cities {
			if got := c.record(t, hero.ID).Hero; got != won {
				t.Errorf("%s holds %+v, want %+v", c.cfg.City.Name, got, won)
			}
		}
	})
}

func TestACreateRetriedElsewhereDoesNotUndoAnOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, cityNames(4)...)
		awaitAlive(t, cities...)
		create := city.Create{Caller: orderer(newID()), HeroName: "Batman", Here: true}
		net.cut(cities[3])
		cities[0].do(t, create)
		awaitEqual(t, cities[:3]...)
		ordered := cities[1].assign(t, create.Request)
		awaitEqual(t, cities[:3]...)
		time.Sleep(time.Second)
		// Where the hero is known the answer is the hero as it is now.
		if got := cities[2].do(t, create).Hero; got != ordered {
			t.Errorf("created again: %+v, want %+v", got, ordered)
		}
		// Where it is not, it is made again, and gives way.
		cities[3].do(t, create)
		net.heal()
		awaitEqual(t, cities...)
		if got := cities[3].record(t, create.Request).Hero; got != ordered {
			t.Errorf("got %+v, want %+v", got, ordered)
		}
	})
}
