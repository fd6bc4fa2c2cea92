package node

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// sinceBubbles is from the year in which bubbles begin to one in which a since is
// believed.
var sinceBubbles = crdt.EarliestSet.Time().AddDate(1, 0, 0).Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))

// trusted is a city of a network without strangers, with a folder and an identity
// that survive it.
func trusted(t *testing.T, name string) Config {
	t.Helper()
	cfg := quiet(name)
	cfg.Trusted = true
	cfg.DataDir, cfg.Ephemeral, cfg.Identity = t.TempDir(), true, newKey(t)
	cfg.Now = aheadBy(sinceBubbles)
	return cfg
}

// yieldSoon is within what two holders hear of each other, through a third if need
// be, and the younger has stopped.
const yieldSoon = 2 * DefaultPresenceEvery

// expectYielded waits until the member has stopped in favour of the holder of its
// name, and has shown it all that it held.
func expectYielded(t *testing.T, m, holder *member) {
	t.Helper()
	select {
	case <-m.ended:
	case <-time.After(yieldSoon):
		t.Fatalf("%s runs still beside %s after %v", m.Peer(), holder.Peer(), yieldSoon)
	}
	taken, ok := errors.AsType[*NameTakenError](m.err)
	if !ok || taken.Name != m.cfg.City.Name || taken.Holder.ID != holder.Peer() || len(taken.Holder.Addrs) == 0 {
		t.Errorf("ended with %v, want that %s keeps the name", m.err, holder.Peer())
	}
	eventually(t, "the name is not contested any more", func() bool { return len(holder.status(t).Contested) == 0 })
	select {
	case <-holder.ended:
		t.Errorf("the holder has ended: %v", holder.err)
	default:
	}
}

func TestAfterAPartitionTheYoungerHolderGivesAllAndStops(t *testing.T) {
	for fact, order := range map[string][]string{"met by a third": {"metropolis", "gotham"}, "met directly": {"gotham", "metropolis"}} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				cities := net.chain(t, trusted(t, order[0]), trusted(t, order[1]))
				awaitAlive(t, cities...)
				metropolis, first := cities[0], cities[1]
				if order[0] == "gotham" {
					metropolis, first = first, metropolis
				}
				net.cut(first)
				second := prepare(t, net.config(trusted(t, "gotham"), metropolis))
				net.cut(first) // from the new host too
				second.run(t)
				awaitReady(t, second)
				here, there := first.create(t, "Batman"), second.create(t, "Robin")
				net.heal()
				expectYielded(t, second, first)
				awaitEqual(t, metropolis, first)
				for _, hero := range []crdt.ID{here.ID, there.ID} {
					if got := first.record(t, hero); got.Kind != crdt.KindHero {
						t.Errorf("the holder has %+v of hero %s", got, hero)
					}
				}
				found, err := metropolis.Lookup(t.Context(), "gotham")
				if err != nil || found.ID != first.Peer() {
					t.Errorf("found %v, %v, want the holder", found.ID, err)
				}
			})
		})
	}
}

func TestACityThatIsBackTakesItsNameFromAYoungerHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		metropolis := net.start(t, trusted(t, "metropolis"))
		old := trusted(t, "gotham")
		before := net.start(t, old, metropolis)
		awaitReady(t, metropolis, before)
		before.leave(t)
		time.Sleep(time.Second)
		younger := prepare(t, net.config(trusted(t, "gotham"), metropolis))
		net.cut(before) // a mocknet's host that is closed can be dialed
		younger.run(t)
		awaitReady(t, younger)
		hero := younger.create(t, "Robin")
		back := net.start(t, old, metropolis)
		awaitReady(t, back)
		expectYielded(t, younger, back)
		if got := back.record(t, hero.ID); got.Kind != crdt.KindHero {
			t.Errorf("it has %+v of the other's hero", got)
		}
	})
}

func TestACityThatIsBackDoesNotStartWhereAnOlderClaimHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		metropolis := net.start(t, trusted(t, "metropolis"))
		gotham := trusted(t, "gotham")
		old := net.start(t, gotham, metropolis)
		awaitReady(t, metropolis, old)
		net.cut(old)
		young := trusted(t, "gotham")
		second := prepare(t, net.config(young, metropolis))
		net.cut(old)
		second.run(t)
		awaitReady(t, second)
		second.leave(t)
		net.heal()
		awaitAlive(t, metropolis, old)
		again := net.start(t, young, metropolis)
		expectNameTaken(t, again, old)
	})
}

func TestTwoThatMeetWithoutAThirdAgreeWhoStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		first := net.start(t, trusted(t, "gotham"))
		awaitReady(t, first)
		time.Sleep(time.Second)                      // else they are as old
		second := net.start(t, trusted(t, "gotham")) // neither knows of the other
		awaitReady(t, second)
		hero := second.create(t, "Robin")
		if err := second.host.Connect(t.Context(), peer.AddrInfo{ID: first.Peer(), Addrs: first.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		expectYielded(t, second, first)
		first.do(t, city.Assign{Caller: orderer(newID()), Hero: hero.ID})
	})
}
