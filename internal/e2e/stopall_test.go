//go:build linux

package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

const (
	// manyCities is more than what an event bus of libp2p keeps for a subscriber that
	// does not read, which is 16: hosts that closed hung on such a one.
	manyCities = 50
	// stopPromised is within what a city has ended that is told to.
	stopPromised = 10 * time.Second
)

func TestCitiesThatAreStoppedAtOnceAllEnd(t *testing.T) {
	lab := newLab(t, 1)
	cities := make([]*city, 0, manyCities)
	for i := range manyCities {
		args := append(quietAmong(t, cities), "--log-level", "debug,presence=warn,sync=warn,bootstrap=warn,names=warn,calls=warn")
		cities = append(cities, startCity(t, lab.Hosts[0], fmt.Sprintf("city-%d", i), args...))
	}
	for round := range roundsOr(1) {
		if round > 0 {
			for _, c := range cities {
				c.start(t)
			}
		}
		cities[0].awaitMany(t)
		last := stopAll(t, cities)
		t.Logf("round %d: %d cities that were stopped at once had ended after %v", round, len(cities), last)
	}
}

// awaitMany waits until the city knows all.
func (c *city) awaitMany(t *testing.T) {
	t.Helper()
	c.ask(t, 2*formMax, new(struct{}), "wait", "cities", fmt.Sprint(manyCities))
}

// stopAll asks all cities to leave at once, and returns when the last has. Each has to end
// well, and in time.
func stopAll(t *testing.T, cities []*city) (last time.Duration) {
	t.Helper()
	begin := time.Now()
	for _, c := range cities {
		if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	late := time.After(stopPromised)
	for _, c := range cities {
		select {
		case <-c.ended:
			last = max(last, time.Since(begin))
			if c.err != nil {
				t.Errorf("%s did not end well: %v", c.name, c.err)
			}
		case <-late:
			_ = c.cmd.Process.Signal(syscall.SIGQUIT) // what it says of its goroutines is shown
			c.awaitEnd(t, syscall.SIGQUIT)
			t.Fatalf("%s had not ended %v after SIGTERM", c.name, stopPromised)
		}
	}
	return last
}
