//go:build linux

package e2e

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Frames of the first city do not reach the second, the other way round they
// do; the third reaches both. A call between the two may fail, but in time.
func TestACutOfOneWayHangsNothing(t *testing.T) {
	lab := newLab(t, 3)
	cities := startCities(t, lab)
	begin := time.Now()
	lab.CutOneWay(lab.Hosts[0], lab.Hosts[1])
	heroes := 0
	for round := 0; time.Since(begin) < 20*time.Second; round++ {
		c, other := cities[round%2], cities[(round+1)%2]
		heroes += writeOn(t, c)
		asked := time.Now()
		err := c.try(commandMax, new(struct{}), "get", other.name)
		t.Logf("%s asks %s: %v, after %v", c.name, other.name, err, time.Since(asked))
		if errors.Is(err, context.DeadlineExceeded) { // it did not even give up
			t.Error(err)
		}
		wait(t, time.Second)
	}
	lab.Heal()
	equal := await(t, healMax, func() error {
		return errors.Join(agree(cities, heroes), cities[0].allAlive(cities, heroes))
	})
	t.Logf("all alive and equal %v after the heal; converged within %v more", equal, cities[0].converge(t, formMax))
	for _, c := range cities[1:] {
		await(t, healMax, func() error { return c.allAlive(cities, heroes) })
	}
}
