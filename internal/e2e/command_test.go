//go:build linux

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// commandMax is the --timeout of commands that say no other: that of the
	// program.
	commandMax = 10 * time.Second
	// commandGrace is what a command may take beyond its --timeout to begin and
	// end, on a busy machine.
	commandGrace = 10 * time.Second
	// formMax is within what a cluster has to form, on a network without faults.
	formMax = 60 * time.Second
	// lookEvery is the pause between two looks.
	lookEvery = 100 * time.Millisecond
)

// status is what the tests read of citynode status.
type status struct {
	Digest string `json:"digest"`
	Heroes int    `json:"heroes"`
}

// listed is what they read of a line of citynode city list.
type listed struct {
	Name   string `json:"name"`
	Peer   string `json:"peer"`
	Status string `json:"status"`
	Heroes int    `json:"heroes"`
	Digest string `json:"digest"`
}

// try runs a command on the city's host, which asks the city, and decodes its
// answer. A command that outlives its timeout by commandGrace is killed, which
// is an error too.
func (c *city) try(timeout time.Duration, into any, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout+commandGrace)
	defer cancel()
	cmd := c.host.Command(ctx, binary, append(args, "--json", "--network", "lab", "--timeout", timeout.String())...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	what := strings.Join(args, " ")
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s at %s: hangs: %w", what, c.name, ctx.Err())
	case err != nil:
		return fmt.Errorf("%s at %s: %w: %s", what, c.name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s at %s: %w", what, c.name, err)
	}
	return nil
}

// ask is try for a command that must succeed. It returns how long it took.
func (c *city) ask(t *testing.T, timeout time.Duration, into any, args ...string) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := c.try(timeout, into, args...); err != nil {
		t.Fatalf("%v, after %v", err, time.Since(begin))
	}
	return time.Since(begin)
}

// create has the city create a hero.
func (c *city) create(t *testing.T, name string) {
	t.Helper()
	c.ask(t, commandMax, new(struct{}), "hero", "create", name)
}

// converge has the city wait until all have what any of them has.
func (c *city) converge(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	return c.ask(t, within, new(struct{}), "wait", "converged")
}

// awaitCities waits until each city knows all.
func awaitCities(t *testing.T, cities []*city) {
	t.Helper()
	for _, c := range cities {
		c.ask(t, formMax, new(struct{}), "wait", "cities", strconv.Itoa(len(cities)))
	}
}

// agree says why the cities do not hold the same, that many heroes, as each
// of them tells; nil if they do.
func agree(cities []*city, heroes int) error {
	var first status
	for i, c := range cities {
		var s status
		if err := c.try(commandMax, &s, "status"); err != nil {
			return err
		}
		if i == 0 {
			first = s
		}
		if s != first || s.Heroes != heroes {
			return fmt.Errorf("%s holds %+v, %s %+v, want %d heroes", c.name, s, cities[0].name, first, heroes)
		}
	}
	return nil
}

// allAlive says why a city does not list all as alive, each once, with equal
// digests and that many heroes; nil if it does.
func (c *city) allAlive(cities []*city, heroes int) error {
	var list []listed
	if err := c.try(commandMax, &list, "city", "list"); err != nil {
		return err
	}
	if len(list) != len(cities) {
		return fmt.Errorf("%s lists %d cities, want %d: %+v", c.name, len(list), len(cities), list)
	}
	for _, l := range list {
		if l.Status != "alive" || l.Digest != list[0].Digest || l.Heroes != heroes {
			return fmt.Errorf("%s lists %+v, want all alive and equal, with %d heroes", c.name, list, heroes)
		}
	}
	return nil
}

// longWait is from when on it is worth a line why a test had to wait.
const longWait = 3 * time.Second

// await looks until there is no error, and returns how long that took.
func await(t *testing.T, within time.Duration, look func() error) time.Duration {
	t.Helper()
	var last error
	for begin := time.Now(); ; <-time.After(lookEvery) {
		err := look()
		took := time.Since(begin)
		switch {
		case took > within:
			t.Fatalf("not within %v, but %v: %v", within, took, cmp.Or(err, last))
		case err == nil && last != nil && took > longWait:
			t.Logf("waited for %v; the last reason was: %v", took, last)
			return took
		case err == nil:
			return took
		}
		last = err
	}
}
