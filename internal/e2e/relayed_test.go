//go:build linux

package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	// relayedMax is how soon a city that cannot be reached is shown with whom it is heard
	// through: after two presences, of which the second comes once it was asked in vain.
	relayedMax = 40 * time.Second
	// apartMax is within what an order to such a city is refused: 2 s, and what two
	// processes take to begin and end.
	apartMax = 4 * time.Second
)

// through is what this test reads of a line of citynode city list.
type through struct {
	listed
	HeardThrough string `json:"heard_through"`
	Agrees       *bool  `json:"agrees"`
}

// endedWith returns the exit code of a command that failed, or -1.
func endedWith(err error) int {
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return ended.ExitCode()
	}
	return -1
}

// The second and the third city reach the first, and not each other.
func TestACityBehindAnotherNATIsShownThroughTheNeighbourInCommon(t *testing.T) {
	lab := newLab(t, 3)
	lab.Cut(lab.Hosts[1], lab.Hosts[2])
	begin := time.Now()
	star := startCity(t, lab.Hosts[0], "star", quiet...)
	gotham := startCity(t, lab.Hosts[1], "gotham", quietAmong(t, []*city{star})...)
	metropolis := startCity(t, lab.Hosts[2], "metropolis", quietAmong(t, []*city{star})...)
	metropolis.create(t, "Superman")

	seen := func(at *city, name string) (c through, err error) {
		var lines []through
		if err := at.try(commandMax, &lines, "city", "list"); err != nil {
			return c, err
		}
		for _, c := range lines {
			if c.Name == name {
				return c, nil
			}
		}
		return c, errors.New(at.name + " does not list " + name)
	}
	await(t, relayedMax, func() error {
		c, err := seen(gotham, "metropolis")
		if err == nil && (c.Status != "relayed" || c.HeardThrough == "" || c.Heroes != 1 || c.Agrees == nil || !*c.Agrees) {
			err = errors.New("metropolis is " + c.Status)
		}
		return err
	})
	t.Logf("gotham shows metropolis as relayed, and in agreement, after %v", time.Since(begin))
	c, err := seen(gotham, "metropolis")
	neighbour, starErr := seen(gotham, "star")
	if err := errors.Join(err, starErr); err != nil {
		t.Fatal(err)
	}
	if c.HeardThrough != neighbour.Peer {
		t.Errorf("it is heard through %s, not star", c.HeardThrough)
	}

	for _, order := range [][]string{{"ping", "metropolis"}, {"hero", "create", "Robin", "--city", "metropolis"}, {"get", "metropolis"}} {
		asked := time.Now()
		err := gotham.try(commandMax, new(struct{}), order...)
		took := time.Since(asked)
		t.Logf("after %v: %v", took, err)
		if endedWith(err) != 6 || !strings.Contains(err.Error(), "only through star") || took > apartMax {
			t.Errorf("%v ended after %v with %v", order, took, err)
		}
	}
	err = gotham.try(5*time.Second, new(struct{}), "wait", "converged")
	t.Log(err)
	if endedWith(err) != 8 || !strings.Contains(err.Error(), "metropolis") || !strings.Contains(err.Error(), "only through star") {
		t.Errorf("wait converged ended with %v", err)
	}
	star.ask(t, commandMax, new(struct{}), "wait", "converged")

	lab.Heal()
	await(t, relayedMax+30*time.Second, func() error {
		c, err := seen(gotham, "metropolis")
		if err == nil && (c.Status != "alive" || c.HeardThrough != "") {
			err = errors.New("metropolis is " + c.Status)
		}
		return err
	})
}
