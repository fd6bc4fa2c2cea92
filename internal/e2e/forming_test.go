//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestThreeHostsFindEachOtherByMDNSAlone(t *testing.T) {
	lab := newLab(t, 3)
	var cities []*city
	begin := time.Now()
	for _, h := range lab.Hosts {
		cities = append(cities, startCity(t, h, "city-"+h.Name, "--patrol-every", "0", "--fight-every", "0"))
	}
	awaitCities(t, cities)
	t.Logf("all know all %v after the first was started", time.Since(begin))
	for _, c := range cities {
		c.create(t, "hero of "+c.name)
	}
	t.Logf("converged within %v", cities[0].converge(t, formMax))
	await(t, formMax, func() error { return agree(cities, len(cities)) })
}

// The cities are strung as a chain: each is told of the one before only, and
// mDNS is off. What the first asks for at once is known to it by the DHT, for
// presence comes later; either way it must be found.
func TestANameIsFoundAcrossThreeHops(t *testing.T) {
	lab := newLab(t, 4)
	var cities []*city
	for _, h := range lab.Hosts {
		args := slices.Clone(quiet)
		if n := len(cities); n > 0 {
			args = append(args, "--bootstrap", cities[n-1].addr(t))
		}
		cities = append(cities, startCity(t, h, "city-"+h.Name, args...))
	}
	first, last := cities[0], cities[len(cities)-1]
	for _, c := range []struct{ at, of *city }{{first, last}, {last, first}} {
		var found listed
		took := await(t, formMax, func() error { return c.at.try(commandMax, &found, "city", "show", c.of.name) })
		t.Logf("%s has found %s after %v", c.at.name, c.of.name, took)
		if want := c.of.told()[0].Peer; found.Peer != want {
			t.Errorf("%s has found %s at %s, want %s", c.at.name, c.of.name, found.Peer, want)
		}
	}
	first.create(t, "Batman")
	if err := last.try(commandMax, new(struct{}), "get", first.name); err != nil {
		t.Error(fmt.Errorf("a call across the chain: %w", err))
	}
	first.converge(t, formMax)
	await(t, formMax, func() error { return agree(cities, 1) })
}
