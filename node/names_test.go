package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// forgetCities empties the member's directory.
func (m *member) forgetCities() {
	m.directory.Forget()
}

// expectNameTaken waits until the member has refused to run, since the holder
// has its name.
func expectNameTaken(t *testing.T, m, holder *member) {
	t.Helper()
	select {
	case <-m.ended:
	case <-m.Ready():
		t.Fatalf("a second %s runs", m.cfg.City.Name)
	case <-time.After(waitMax):
		t.Fatal("neither ready nor ended")
	}
	taken, ok := errors.AsType[*NameTakenError](m.err)
	if !ok || taken.Name != m.cfg.City.Name || taken.Holder.ID != holder.Peer() || len(taken.Holder.Addrs) == 0 {
		t.Errorf("ended with %v, want that %s is held by %s", m.err, m.cfg.City.Name, holder.Peer())
	}
}

func TestEveryCityOfAChainIsCalledByItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := newMockNet(t).quietChain(t, cityNames(8)...)
		awaitAlive(t, cities...)
		caller := cities[7]
		for _, c := range cities[:7] {
			caller.call(t, c.cfg.City.Name, func(ctx context.Context, client *protocol.Client) error {
				info, err := client.Info(ctx)
				if info.City != c.cfg.City.Name || info.Incarnation != c.facts.Incarnation() {
					t.Errorf("%s says it is %+v", c.cfg.City.Name, info)
				}
				return err
			})
		}
	})
}

func TestACityThatIsNotInTheDirectoryIsFoundThroughTheDHT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := newMockNet(t).quietChain(t, cityNames(8)...)
		awaitAlive(t, cities...)
		time.Sleep(10 * time.Second) // all names are provided
		for _, asker := range []*member{cities[0], cities[7]} {
			asker.forgetCities()
			if known := asker.directory.Named("c4"); len(known) != 0 {
				t.Fatalf("it knows %+v", known)
			}
			found, err := asker.Lookup(t.Context(), "c4")
			if err != nil || found.ID != cities[4].Peer() || len(found.Addrs) == 0 {
				t.Errorf("%s found %v, %v", asker.cfg.City.Name, found, err)
			}
			if _, err := asker.Lookup(t.Context(), "atlantis"); !errors.Is(err, protocol.ErrNotFound) {
				t.Errorf("a city that is not there: %v", err)
			}
		}
	})
}

func TestANameThatALivePeerHoldsIsRefused(t *testing.T) {
	for fact, neighbour := range map[string]string{"the neighbour is the holder": "gotham", "the neighbour knows the holder": "metropolis"} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				cities := net.quietChain(t, "gotham", "metropolis")
				awaitAlive(t, cities...)
				known := cities[0]
				if neighbour != "gotham" {
					known = cities[1]
				}
				second := net.start(t, quiet("gotham"), known)
				expectNameTaken(t, second, cities[0])
				if got := cities[0].status(t); len(got.Contested) != 0 {
					t.Errorf("the holder shows its name as contested: %+v", got)
				}
			})
		})
	}
}

func TestTheNameOfACityThatIsGoneIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "metropolis", "gotham")
		awaitAlive(t, cities...)
		time.Sleep(10 * time.Second) // the name is provided
		net.vanish(t, cities[1])
		second := net.start(t, quiet("gotham"), cities[0])
		awaitReady(t, second)
		found, err := cities[0].Lookup(t.Context(), "gotham")
		if err != nil || found.ID != second.Peer() {
			t.Errorf("found %v, %v, want the new one", found.ID, err)
		}
	})
}

func TestACityThatHadItsNameBeforeStartsAndIsContested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		old, other := quiet("gotham"), quiet("gotham")
		old.DataDir, old.Ephemeral, old.Identity = t.TempDir(), true, newKey(t)
		today := aheadBy(time.Until(crdt.EarliestSet.Time())) // a bubble begins in 2000
		old.Now, other.Now = today, today
		before := net.start(t, old)
		awaitReady(t, before)
		since := before.facts.Since()
		before.leave(t)
		taker := net.start(t, other)
		awaitReady(t, taker)
		back := net.start(t, old, taker)
		awaitReady(t, back)
		if back.facts.Since() != since {
			t.Errorf("since %v, want %v", back.facts.Since(), since)
		}
		awaitContested(t, taker, back)
	})
}

// awaitContested waits until both show that the other claims their name, and
// that neither stops.
func awaitContested(t *testing.T, a, b *member) {
	t.Helper()
	for _, pair := range [][2]*member{{a, b}, {b, a}} {
		eventually(t, "the name is contested", func() bool {
			contested := pair[0].status(t).Contested
			return len(contested) == 1 && contested[0] == pair[1].Peer()
		})
		if told := pair[0].contesters(); len(told) != 1 || told[0] != pair[1].Peer() {
			t.Errorf("told of %v", told)
		}
	}
	time.Sleep(time.Minute)
	for _, m := range []*member{a, b} {
		select {
		case <-m.ended:
			t.Errorf("one was made to stop: %v", m.err)
		default:
		}
	}
}

func TestTwoHoldersAfterAPartitionAreContestedAndNobodyStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "metropolis", "gotham")
		awaitAlive(t, cities...)
		metropolis, first := cities[0], cities[1]
		net.cut(first)
		second := prepare(t, net.config(quiet("gotham"), metropolis))
		net.cut(first) // from the new host too
		second.run(t)
		awaitReady(t, second)
		hero := second.create(t, "Batman")
		net.heal()
		awaitContested(t, first, second)
		awaitEqual(t, metropolis, first, second)
		if got := first.record(t, hero.ID); got.Kind != crdt.KindHero {
			t.Errorf("the first holder holds %+v", got)
		}
		found, err := metropolis.Lookup(t.Context(), "gotham")
		if err != nil || found.ID != first.Peer() {
			t.Errorf("found %v, %v, want the one known first", found.ID, err)
		}
	})
}

func TestAStaleRecordDoesNotDelayTheLookupOfALiveCity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t) // where a packet to the dead is lost, not refused
		cities := []*member{net.start(t, quiet("metropolis"))}
		cities = append(cities, net.start(t, quiet("star"), cities[0]))
		awaitReady(t, cities...)
		dead := newStranger(t, net)
		dead.meets(t, cities...)
		dead.provides(t, "gotham")
		time.Sleep(10 * time.Second)
		net.cut(dead)
		live := net.start(t, quiet("gotham"), cities[0])
		awaitReady(t, live)
		time.Sleep(time.Minute) // the name is provided, the dead one disconnected
		asker := cities[1]
		asker.forgetCities()
		within(t, time.Second, "the lookup", func() {
			found, err := asker.Lookup(t.Context(), "gotham")
			if err != nil || found.ID != live.Peer() {
				t.Errorf("found %v, %v", found.ID, err)
			}
		})
	})
}

func TestANodeOfAnotherNetworkIsNotTakenForACity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		gotham.create(t, "Batman")
		cfg := quiet("metropolis")
		cfg.Network = "other"
		metropolis := net.start(t, cfg, gotham)
		liar := newStranger(t, net) // speaks our network's protocol, but is of another
		liar.claimsOn("other", "star")
		liar.meets(t, gotham)
		cfg = quiet("gotham") // the name is free on the other network
		cfg.Network = "other"
		second := net.start(t, cfg, metropolis)
		awaitReady(t, metropolis, second)
		awaitAlive(t, metropolis, second)
		time.Sleep(time.Minute)
		if got := gotham.directory.All(); len(got) != 0 {
			t.Errorf("gotham knows %+v", got)
		}
		for _, name := range []string{"metropolis", "star"} {
			if found, err := gotham.Lookup(t.Context(), name); !errors.Is(err, protocol.ErrNotFound) {
				t.Errorf("%s is found: %v, %v", name, found, err)
			}
		}
		if got := metropolis.summary(); got != (crdt.Summary{}) {
			t.Errorf("the other network holds %v", got)
		}
		if got := gotham.status(t); len(got.Contested) != 0 {
			t.Errorf("contested by %v", got.Contested)
		}
	})
}

func TestAStrangersPresenceDoesNotTakeACitysName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		liar := newStranger(t, net)
		liar.meets(t, gotham)
		_, presences := liar.gossips(t)
		say := func(check func()) {
			for range 3 {
				now := crdt.StampAt(time.Now())
				claim, err := protocol.Marshal(protocol.Presence{City: "gotham", Since: 1, Incarnation: now, Sent: now, Software: "stranger"})
				if err != nil {
					t.Fatal(err)
				}
				publish(t, presences, claim)
				time.Sleep(10 * time.Second)
				check()
			}
		}
		say(func() { // without answering info
			if got := gotham.status(t); len(got.Contested)+got.Alive+len(gotham.contesters()) != 0 {
				t.Errorf("believed without having answered: %+v", got)
			}
		})
		liar.claims("gotham")
		say(func() {
			if got := gotham.status(t).Contested; len(got) != 1 || got[0] != liar.ID() {
				t.Errorf("contested by %v, want the stranger", got)
			}
		})
		time.Sleep(time.Minute)
		select {
		case <-gotham.ended:
			t.Errorf("the city was made to stop: %v", gotham.err)
		default:
			gotham.create(t, "Batman")
		}
	})
}

// asNameTaken returns the error of a name that is taken, if err is one.
func asNameTaken(err error) (*NameTakenError, bool) { return errors.AsType[*NameTakenError](err) }
