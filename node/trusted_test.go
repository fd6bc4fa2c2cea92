package node

import (
	"testing"
	"testing/synctest"
	"time"

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

func TestNobodyStopsAfterAPartitionThoughTheNetworkIsTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.chain(t, trusted(t, "metropolis"), trusted(t, "gotham"))
		awaitAlive(t, cities...)
		metropolis, first := cities[0], cities[1]
		net.cut(first)
		second := prepare(t, net.config(trusted(t, "gotham"), metropolis))
		net.cut(first) // from the new host too
		second.run(t)
		awaitReady(t, second)
		here, there := first.create(t, "Batman"), second.create(t, "Robin")
		net.heal()
		awaitContested(t, first, second)
		awaitEqual(t, metropolis, first, second)
		for _, hero := range []crdt.ID{here.ID, there.ID} {
			if got := metropolis.record(t, hero); got.Kind != crdt.KindHero {
				t.Errorf("metropolis has %+v of hero %s", got, hero)
			}
		}
		found, err := metropolis.Lookup(t.Context(), "gotham")
		if err != nil || found.ID != first.Peer() {
			t.Errorf("found %v, %v, want the one known first", found.ID, err)
		}
	})
}

func TestACityThatIsBackStartsBesideAYoungerHolder(t *testing.T) {
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
		back := net.start(t, old, metropolis)
		awaitReady(t, back)
		awaitContested(t, younger, back)
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
