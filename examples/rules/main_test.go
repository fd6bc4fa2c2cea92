package main

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/node/nodetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// heroOf returns what a node's city holds of a hero.
func heroOf(t *testing.T, n *node.Node, id crdt.ID) crdt.Hero {
	t.Helper()
	incarnation, err := n.City().Current()
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := incarnation.Records(t.Context(), []crdt.ID{id})
	if err != nil || len(found.Heroes) != 1 {
		t.Fatalf("%s holds %+v: %v", n.City().Name(), found, err)
	}
	return found.Heroes[0]
}

func TestTheRulesReachTheOtherCities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.New(t)
		gotham, metropolis := c.Start(node.Config{City: quiet("gotham")}), c.Start(node.Config{City: quiet("metropolis")})
		c.AwaitReady()
		created, err := gotham.City().Do(t.Context(), city.Create{Caller: city.Caller{Request: crdt.ID{1}}, HeroName: "Batman", Here: true})
		if err != nil {
			t.Fatal(err)
		}
		if changed, err := apply(t.Context(), gotham.City(), time.Now()); changed != 1 || err != nil {
			t.Fatalf("%d heroes changed: %v", changed, err)
		}
		c.AwaitEqual()
		if h := heroOf(t, metropolis, created.Hero.ID); !h.Patrolling {
			t.Errorf("metropolis holds %+v, want that it patrols", h)
		}
		if changed, err := apply(t.Context(), metropolis.City(), time.Now()); changed != 0 || err != nil {
			t.Errorf("metropolis changed %d heroes that are not its own: %v", changed, err)
		}
	})
}

func TestWhatWasDecidedBeforeAnOrderChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.New(t)
		gotham := c.Start(node.Config{City: quiet("gotham")})
		c.AwaitReady()
		created, err := gotham.City().Do(t.Context(), city.Create{Caller: city.Caller{Request: crdt.ID{1}}, HeroName: "Batman", Here: true})
		if err != nil {
			t.Fatal(err)
		}
		late := decide([]crdt.Hero{created.Hero}, time.Now().Add(time.Second))
		if _, err := gotham.City().Do(t.Context(), city.Assign{Hero: created.Hero.ID, Home: true}); err != nil {
			t.Fatal(err)
		}
		reply, err := gotham.City().Do(t.Context(), city.Update{Entries: late, Source: city.SourceSelf})
		if err != nil || reply.Changed != 0 {
			t.Errorf("%d changed: %v", reply.Changed, err)
		}
		if h := heroOf(t, gotham, created.Hero.ID); h.Location != crdt.Home {
			t.Errorf("Batman is in %s, want home", h.Location)
		}
	})
}

func TestAHeroStampedAheadIsLeftAlone(t *testing.T) {
	now := time.Now()
	ahead := crdt.Hero{Health: crdt.HealthMax, Version: crdt.Version{HLC: crdt.StampAt(now.Add(city.OwnSkewMax))}}
	if next := decide([]crdt.Hero{ahead}, now); next.Len() != 0 {
		t.Errorf("it writes %+v", next)
	}
}

func TestTheProgramEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*every)
	defer cancel()
	cfg := node.Config{City: quiet("gotham"), DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	if err := run(ctx, cfg); err != nil {
		t.Error(err)
	}
}
