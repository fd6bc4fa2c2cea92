package node

import (
	"flag"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

var cutFlag = flag.Duration("node.cut", 2*time.Hour, "how long the longest partition of QUIC hosts lasts, in virtual time; 24h takes minutes")

// meetSoonest is how soon after the end of a partition the first two cities of
// different sides must be connected.
const meetSoonest = 5 * time.Second

func TestALongPartitionOfQUICHostsHealsWithinSeconds(t *testing.T) {
	cuts := []time.Duration{20 * time.Minute}
	if !raceEnabled && !testing.Short() {
		cuts = append(cuts, *cutFlag)
	}
	for _, lasts := range cuts {
		t.Run(lasts.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { cutFor(t, lasts) })
		})
	}
}

// cutFor has two cities cut off from three others, which all go on, and looks how
// soon all is well after that.
func cutFor(t *testing.T, lasts time.Duration) {
	net := newSimNet(t)
	cities := quicCities(t, net, 5, func(*Config) {})
	for _, c := range cities {
		c.create(t, "hero of "+c.cfg.City.Name)
	}
	awaitEqual(t, cities...)
	east, west := cities[:2], cities[2:]
	net.cut(east[0].host, east[1].host)
	for range 20 {
		for _, c := range cities {
			c.create(t, "cut off in "+c.cfg.City.Name)
		}
		time.Sleep(lasts / 20)
	}
	if !equal(east) || !equal(west) || equal(cities) || connected(east, west) {
		t.Error("the sides are not equal within, or equal to or connected with each other")
	}
	net.heal()
	healed := time.Now()
	var met time.Duration
	within(t, healSoon, "healing", func() {
		within(t, meetSoonest, "the first connection", func() {
			eventually(t, "cities of both sides are connected", func() bool { return connected(east, west) })
		})
		met = time.Since(healed)
		awaitEqual(t, cities...)
	})
	t.Logf("after a partition of %v: first connection after %v, all equal after %v", lasts, met, time.Since(healed))
	time.Sleep(healSoon - time.Since(healed)) // a dial from before the end may still fail those who wait for it
	for _, asker := range []*member{east[0], west[2]} {
		for _, c := range cities {
			if asker != c {
				asker.wantFound(t, c)
				asker.forgetCities()
				asker.wantFound(t, c) // through the DHT
			}
		}
	}
}

// connected tells whether cities of two sides are connected.
func connected(east, west []*member) bool {
	return slices.ContainsFunc(east, func(e *member) bool {
		return slices.ContainsFunc(west, func(w *member) bool {
			return e.host.Network().Connectedness(w.Peer()) == network.Connected
		})
	})
}

// wantFound looks a city up by its name.
func (m *member) wantFound(t *testing.T, c *member) {
	t.Helper()
	if found, err := m.Lookup(t.Context(), c.cfg.City.Name); err != nil || found.ID != c.Peer() {
		t.Errorf("%s found %v as %s, %v", m.cfg.City.Name, found.ID, c.cfg.City.Name, err)
	}
}
