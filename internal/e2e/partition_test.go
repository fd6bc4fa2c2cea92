//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	// crossMax is how soon after a heal the two sides hear of each other, and
	// healMax how soon all are equal.
	crossMax = 5 * time.Second
	healMax  = 10 * time.Second
)

func TestAPartitionOfASecondHeals(t *testing.T) { partitionHeals(t, time.Second) }
func TestAPartitionOfAMinuteHeals(t *testing.T) { partitionHeals(t, time.Minute) }

// partitionHeals parts two cities from three others, writes on both sides at
// the begin of the partition and, where that can be told apart, at its end.
func partitionHeals(t *testing.T, lasts time.Duration) {
	lab := newLab(t, 5)
	cities := startCities(t, lab)
	left, right := cities[:2], cities[2:]
	heroes := writeOn(t, cities[0])
	await(t, formMax, func() error { return agree(cities, heroes) })

	begin := time.Now()
	lab.Partition(lab.Hosts[:2], lab.Hosts[2:])
	heroes += writeOn(t, left[0], right[0])
	if lasts > 10*time.Second {
		wait(t, time.Until(begin.Add(lasts-5*time.Second)))
		heroes += writeOn(t, left[1], right[2])
		await(t, formMax, func() error { return agree(left, 3) })
		await(t, formMax, func() error { return agree(right, 3) })
	}
	wait(t, time.Until(begin.Add(lasts)))

	healed := time.Now()
	lab.Heal()
	t.Logf("healed after %v", healed.Sub(begin))
	equal := await(t, healMax, func() error {
		return errors.Join(agree(cities, heroes), cities[0].allAlive(cities, heroes))
	})
	crossed, by := firstCross(t, left, right, healed)
	t.Logf("first cross connection after %v, by %s; all alive and equal after %v", crossed, by, equal)
	if crossed > crossMax {
		t.Errorf("the sides heard of each other only after %v", crossed)
	}
	for _, c := range cities {
		await(t, healMax, func() error { return c.allAlive(cities, heroes) })
	}
}

// writeOn has the cities create a hero each, at the same time, and returns how
// many.
func writeOn(t *testing.T, cities ...*city) int {
	t.Helper()
	errs := make([]error, len(cities))
	var writing sync.WaitGroup
	for i, c := range cities {
		writing.Go(func() {
			errs[i] = c.try(commandMax, new(struct{}), "hero", "create", fmt.Sprintf("hero of %s", c.name))
		})
	}
	writing.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return len(cities)
}

// wait waits for d, or not at all where that is past.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// firstCross is when, after a time, a city first told of something that it can
// have only from the other side, and what it told. It waits a little for one.
func firstCross(t *testing.T, left, right []*city, after time.Time) (took time.Duration, line string) {
	t.Helper()
	var first event
	await(t, healMax, func() error {
		for _, sides := range [][2][]*city{{left, right}, {right, left}} {
			for _, c := range sides[0] {
				for _, e := range c.told() {
					if e.isFrom(sides[1]) && !e.Time.Before(after.Truncate(time.Millisecond)) && (first.Time.IsZero() || e.Time.Before(first.Time)) {
						first = e
					}
				}
			}
		}
		if first.Time.IsZero() {
			return errors.New("no city has told of one of the other side")
		}
		return nil
	})
	return first.Time.Sub(after), first.line
}

// isFrom reports whether an event says that one of the cities was reached. What
// gossip brings after a heal is from the other side, for within a side all was
// known before.
func (e event) isFrom(cities []*city) bool {
	switch e.Event {
	case "city":
		return e.Status == "alive" && slices.ContainsFunc(cities, func(c *city) bool { return c.name == e.City })
	case "synced":
		return e.Error == "" && slices.ContainsFunc(cities, func(c *city) bool { return c.name == e.City })
	}
	return e.Source == "gossip"
}
