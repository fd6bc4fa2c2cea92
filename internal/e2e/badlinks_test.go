//go:build linux

package e2e

import (
	"testing"
	"time"

	"github.com/citynode/citynode/internal/netlab"
)

// callMax is the --timeout of a call over a bad network, which takes a dozen
// round trips of 300 ms, of each of which a third is lost.
const callMax = 30 * time.Second

// answerMax is how long such calls may be tried again before one is answered.
const answerMax = 2 * time.Minute

// Every host loses all others for two seconds, then has them for two, on links
// that lose a fifth of the frames even then.
func TestABadNetworkMakesCitiesSlowAndLosesNothing(t *testing.T) {
	lab := newLab(t, 3)
	cities := startCities(t, lab)
	lab.SetAll(netlab.Link{Delay: 150 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.2})
	heroes := 0
	const flap = 2 * time.Second
	for range 5 {
		lab.Partition()
		heroes += writeOn(t, cities...)
		wait(t, flap)
		lab.Heal()
		heroes += writeOn(t, cities...)
		wait(t, flap)
	}
	equal := await(t, formMax, func() error { return agree(cities, heroes) })
	t.Logf("equal %v after the last flap, with 20 %% loss and 300 ms there and back", equal)
	alive := await(t, formMax, func() error { return cities[0].allAlive(cities, heroes) })
	t.Logf("all alive %v later", alive)
	for _, c := range cities {
		other := cities[0]
		if c == other {
			other = cities[1]
		}
		took := await(t, answerMax, func() error { return c.try(callMax, new(struct{}), "get", other.name) })
		t.Logf("%s has an answer of %s after %v", c.name, other.name, took)
	}
}
