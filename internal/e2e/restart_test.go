//go:build linux

package e2e

import (
	"syscall"
	"testing"
	"time"
)

// stopMax is far beyond what a busy machine needs.
const stopMax = 20 * time.Second

// The next city is stopped as soon as the one before it lists all as alive and
// holds what they hold: whoever restarts a cluster can see no more than that.
func TestRollingRestartsLoseNobody(t *testing.T) {
	lab := newLab(t, 5)
	cities := startCities(t, lab)
	heroes := writeOn(t, cities...)
	await(t, formMax, func() error { return agree(cities, heroes) })
	for _, c := range cities {
		c.stop(t)
		begin := time.Now()
		c.start(t)
		await(t, healMax, func() error { return c.allAlive(cities, heroes) })
		t.Logf("%s is ready and lists all %v after its start", c.name, time.Since(begin))
	}
	for _, c := range cities {
		await(t, healMax, func() error { return c.allAlive(cities, heroes) })
	}
	await(t, healMax, func() error { return agree(cities, heroes) })
}

// Connections to the process that was killed look alive to the others, until
// they time out.
func TestACityThatWasKilledComesBackAsItself(t *testing.T) {
	lab := newLab(t, 3)
	cities := startCities(t, lab)
	heroes := writeOn(t, cities...)
	await(t, formMax, func() error { return agree(cities, heroes) })
	victim, peer := cities[1], cities[1].told()[0].Peer
	victim.kill(t)
	heroes += writeOn(t, cities[0])
	begin := time.Now()
	victim.start(t)
	if got := victim.told()[0].Peer; got != peer {
		t.Errorf("it is back as peer %s, was %s", got, peer)
	}
	for _, c := range cities {
		await(t, healMax, func() error { return c.allAlive(cities, heroes) })
	}
	t.Logf("all list all %v after its start", time.Since(begin))
}

// Nobody is left who could tell where the others are.
func TestAClusterWhosePowerFailsIsOneAgain(t *testing.T) {
	lab := newLab(t, 3)
	cities := startCities(t, lab)
	heroes := writeOn(t, cities...)
	await(t, formMax, func() error { return agree(cities, heroes) })
	for _, c := range cities {
		c.kill(t)
	}
	begin := time.Now()
	for _, c := range cities {
		c.start(t)
	}
	for _, c := range cities {
		await(t, healMax, func() error { return c.allAlive(cities, heroes) })
	}
	t.Logf("all list all %v after the start of the first", time.Since(begin))
}

// stop asks the city to leave, and waits until it has.
func (c *city) stop(t *testing.T) {
	t.Helper()
	c.signal(t, syscall.SIGTERM)
	if c.err != nil {
		t.Fatalf("%s did not end well: %v", c.name, c.err)
	}
}

// kill ends the city as a power cut would.
func (c *city) kill(t *testing.T) {
	t.Helper()
	c.signal(t, syscall.SIGKILL)
}

func (c *city) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	c.awaitEnd(t, s)
}

// awaitEnd waits until the city's process has ended, after a signal.
func (c *city) awaitEnd(t *testing.T, s syscall.Signal) {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(stopMax):
		t.Fatalf("%s does not end within %v of %v", c.name, stopMax, s)
	}
}
