//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/netlab"
)

const (
	// notice is how soon a city whose clock has jumped ahead must have asked the
	// others what they have, and trust its own no more, or again.
	noticeMax = 30 * time.Second
	// skewMax is how far ahead of the true time a hero that a city takes from
	// others may be stamped.
	skewMax = 60 * time.Second
	// in1970 and in2100 are clocks that were never set, and set wrong.
	in1970 = -56 * 365 * 24 * time.Hour
	in2100 = 74 * 365 * 24 * time.Hour
)

// setClock sets the clock of a host so far ahead of the true time.
func setClock(t *testing.T, host *netlab.Host, ahead time.Duration) {
	t.Helper()
	path := filepath.Join(host.Dir, clockFile)
	next := path + ".next" // so that nobody reads half of it
	err := errors.Join(os.WriteFile(next, []byte(ahead.String()), 0o600), os.Rename(next, path))
	if err != nil {
		t.Fatal(err)
	}
}

// unknownHero is an id that no hero has.
const unknownHero = "00000000-0000-4000-8000-000000000001"

// trusts says why a city refuses own writes, nil if it does not. It writes nothing:
// the city judges its clock before it looks for the hero.
func (c *city) trusts() error {
	err := c.try(lookEvery, new(struct{}), "hero", "retire", unknownHero)
	if exitOf(err) == 4 {
		return nil
	}
	return err
}

// distrusts says why a city does not refuse own writes for its clock.
func (c *city) distrusts() error {
	err := c.trusts()
	if exitOf(err) == 6 && strings.Contains(err.Error(), "does not trust its own clock") {
		return nil
	}
	return fmt.Errorf("%s does not say that it distrusts its clock, but: %v", c.name, err)
}

// noneFromTheFuture fails the test if a city holds a hero that is stamped so far
// ahead that it should not have been taken.
func (c *city) noneFromTheFuture(t *testing.T) {
	t.Helper()
	var held struct {
		Superheroes map[crdt.ID]answer `json:"superheroes"`
	}
	c.ask(t, commandMax, &held, "get", c.name)
	for id, hero := range held.Superheroes {
		if ahead := time.Until(hero.LastUpdated); ahead > skewMax {
			t.Errorf("%s holds hero %v, stamped %v ahead", c.name, id, ahead)
		}
	}
}

// assign has the city assign a hero to a city.
func (c *city) assign(t *testing.T, hero crdt.ID, to string) {
	t.Helper()
	c.ask(t, commandMax, new(answer), "hero", "assign", hero.String(), to)
}

// startWatched starts three quiet cities; the clock of the last one is the one
// that is wrong.
func startWatched(t *testing.T) (all, right []*city, wrong *city) {
	t.Helper()
	all = startCities(t, newLab(t, 3))
	return all, all[:2], all[2]
}

func TestACityWhoseClockJumpsAheadOrdersNothingUntilItIsRight(t *testing.T) {
	all, right, wrong := startWatched(t)
	made := []crdt.ID{wrong.createdBy(t, "Batman"), right[0].createdBy(t, "Robin")}
	await(t, formMax, func() error { return agree(all, len(made)) })

	setClock(t, wrong.host, 2*time.Hour)
	t.Logf("it trusts its clock no more %v after the jump", await(t, noticeMax, wrong.distrusts))
	refused(t, wrong.try(refusedMax, new(struct{}), "hero", "create", "Flash"), 6,
		"does not trust its own clock", "2h0m0s ahead of the clocks of all other cities", "set the clock of this machine")
	wrong.says(t, []string{"status"}, "takes its own clock for wrong", "set the clock of this machine")
	await(t, noticeMax, func() error { return errors.Join(right[0].tells(wrong.name+": clock_doubt"), wrong.checks(2)) })
	made = append(made, right[1].createdBy(t, "Joker"))
	right[0].assign(t, made[0], right[0].name)
	await(t, healMax, func() error { return agree(all, len(made)) }) // it takes what comes
	for _, c := range all {
		c.noneFromTheFuture(t)
	}

	setClock(t, wrong.host, 0)
	t.Logf("it trusts its clock again %v after it was set right", await(t, noticeMax, wrong.trusts))
	await(t, noticeMax, func() error { return right[0].checks(0) })
	made = append(made, wrong.createdBy(t, "Alfred"))
	wrong.assign(t, made[0], wrong.name)
	wrong.converge(t, formMax)
	await(t, healMax, func() error { return agree(all, len(made)) })
	for _, c := range all {
		if err := c.holds(made...); err != nil {
			t.Error(err)
		}
	}
}

// One other city is too few to speak against its clock, so it goes by it. What it
// stamps in the future the other holds back, until there is an order by the right
// clock.
func TestWhatAWrongClockStampedIsKeptAndReachesAllByAnOrderOfTheRightOne(t *testing.T) {
	all := startCities(t, newLab(t, 2))
	right, wrong := all[0], all[1]
	setClock(t, wrong.host, 2*time.Hour)
	early := wrong.createdBy(t, "Flash")
	right.converge(t, formMax)
	right.noneFromTheFuture(t)
	setClock(t, wrong.host, 0)
	wrong.kill(t)
	wrong.start(t)
	if err := wrong.holds(early); err != nil {
		t.Fatal(err)
	}
	right.converge(t, formMax)
	if err := right.holds(early); err == nil {
		t.Error("it was taken two hours before its time")
	}
	wrong.assign(t, early, wrong.name)
	await(t, healMax, func() error { return agree(all, 1) })
}

func TestACityWhoseClockJumpsBackTakesTheRestOnceItIsRight(t *testing.T) {
	all, right, wrong := startWatched(t)
	made := []crdt.ID{wrong.createdBy(t, "Batman")}
	await(t, formMax, func() error { return agree(all, len(made)) })

	setClock(t, wrong.host, -2*time.Hour)
	made = append(made, right[0].createdBy(t, "Robin"), wrong.createdBy(t, "Flash"))
	await(t, noticeMax, func() error {
		if !wrong.standing(t).ClockBehind {
			return errors.New("it does not say that its clock is behind")
		}
		return nil
	})
	wrong.says(t, []string{"status"}, "more than a minute behind all other cities", "set the clock of this machine")
	await(t, healMax, func() error { return errors.Join(right[0].holds(made...), right[1].holds(made...)) })

	setClock(t, wrong.host, 0)
	t.Logf("all are equal %v after the clock was set right", await(t, noticeMax, func() error { return agree(all, len(made)) }))
	wrong.assign(t, made[1], wrong.name)
	wrong.converge(t, formMax)
	await(t, healMax, func() error { return agree(all, len(made)) })
	for _, c := range all {
		if err := c.holds(made...); err != nil {
			t.Error(err)
		}
	}
}

// work is what a city that is alone was told: heroes that were only created, that
// were ordered as well, and that were retired.
type work struct{ created, ordered, retired crdt.ID }

// workAlone has a city work by a wrong clock, and start again by the right one.
func workAlone(t *testing.T, host *netlab.Host, ahead time.Duration) (*city, work) {
	t.Helper()
	setClock(t, host, ahead)
	c := startCity(t, host, "gotham", quiet...)
	w := work{c.createdBy(t, "Batman"), c.createdBy(t, "Robin"), c.createdBy(t, "Joker")}
	c.assign(t, w.ordered, c.name)
	c.ask(t, commandMax, new(answer), "hero", "retire", w.retired.String())
	c.stop(t)
	setClock(t, host, 0)
	c.start(t)
	if err := c.holds(w.created, w.ordered); err != nil {
		t.Fatal(err)
	}
	refused(t, c.try(commandMax, new(struct{}), "hero", "assign", w.retired.String(), c.name), 5, "is dead")
	c.createdBy(t, "Alfred")
	c.assign(t, w.created, c.name)
	return c, w
}

func TestWorkOfAClockThatWasNeverSetIsKeptAndOrdered(t *testing.T) {
	c, w := workAlone(t, newLab(t, 1).Hosts[0], in1970)
	c.assign(t, w.ordered, c.name)
}

func TestWorkOfAClockInTheNextCenturyIsKeptAndOrderedOrRefusedWithTheTime(t *testing.T) {
	c, w := workAlone(t, newLab(t, 1).Hosts[0], in2100)
	err := c.try(refusedMax, new(struct{}), "hero", "assign", w.ordered.String(), c.name)
	refused(t, err, 6, "the last order for hero "+w.ordered.String()+" is stamped", "a new one is possible at 2100-")
	c.ask(t, commandMax, new(answer), "hero", "retire", w.ordered.String())
}

// The city comes with what it did by itself in the next century, is asked for more
// while its clock is there, and then with its clock right.
func TestACityFromTheNextCenturyPoisonsNobody(t *testing.T) {
	lab := newLab(t, 3)
	host := lab.Hosts[2]
	setClock(t, host, in2100)
	wrong := startCity(t, host, "wrong", quiet...)
	early, ordered := wrong.createdBy(t, "Flash"), wrong.createdBy(t, "Jay")
	wrong.assign(t, ordered, wrong.name)
	wrong.stop(t)

	gotham := startCity(t, lab.Hosts[0], "gotham", quiet...)
	metropolis := startCity(t, lab.Hosts[1], "metropolis", slices.Concat(quiet, []string{"--bootstrap", gotham.addr(t)})...)
	right := []*city{gotham, metropolis}
	made := []crdt.ID{gotham.createdBy(t, "Batman"), metropolis.createdBy(t, "Robin")}
	wrong.args = slices.Concat(quiet, []string{"--bootstrap", gotham.addr(t)})
	wrong.start(t)
	all := append(slices.Clone(right), wrong)
	awaitCities(t, all)
	await(t, noticeMax, wrong.distrusts)
	gotham.converge(t, formMax)
	gotham.assign(t, made[1], gotham.name)
	metropolis.assign(t, made[1], metropolis.name)
	await(t, healMax, func() error { return agree(right, len(made)) })
	if err := wrong.holds(append(made, early, ordered)...); err != nil {
		t.Error(err)
	}

	wrong.stop(t)
	setClock(t, host, 0)
	wrong.start(t)
	awaitCities(t, all)
	await(t, noticeMax, wrong.trusts)
	gotham.assign(t, made[1], gotham.name)
	await(t, healMax, func() error { return agree(right, len(made)) })
	for _, c := range right {
		c.noneFromTheFuture(t)
	}
	made = append(made, early)
	wrong.assign(t, early, wrong.name) // by the right clock: now all take it
	await(t, healMax, func() error { return agree(right, len(made)) })
	wrong.ask(t, commandMax, new(answer), "hero", "retire", ordered.String())
	await(t, healMax, func() error { return agree(all, len(made)) })
	wrong.converge(t, formMax)
}
