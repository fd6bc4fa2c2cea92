// Rules runs a city whose heroes live by rules of the program: the ticks of the city
// are off, and every second each hero that is here recovers, or goes on patrol once it
// is well.
//
//	go run ./rules DIR
//
// The rules write under the order by which a hero is here, and never touch a hero that
// is somewhere else: the city to which it was ordered writes that one.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
)

const (
	every    = time.Second
	recovery = 5
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: rules DIR")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, node.Config{City: quiet("gotham"), DataDir: os.Args[1], Logger: logger}); err != nil {
		logger.Error("the city ended", "err", err)
		os.Exit(1)
	}
}

// quiet returns the configuration of a city that leaves its heroes to the program.
func quiet(name string) city.Config {
	return city.Config{Name: name, PatrolEvery: city.Off, FightEvery: city.Off}
}

// run runs a city by these rules until ctx ends.
func run(ctx context.Context, cfg node.Config) error {
	n, err := node.New(cfg)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := apply(ctx, n.City(), time.Now()); err != nil {
				cfg.Logger.Warn("the rules are left out this time", "err", err)
			}
		case err := <-ended:
			return err
		}
	}
}

// apply applies the rules once to each hero that is in the city, and returns how many
// changed. Only one goroutine may do this for a city: two writes of one version would
// contradict each other.
func apply(ctx context.Context, c *city.City, now time.Time) (changed int, err error) {
	incarnation, err := c.Current()
	if err != nil {
		return 0, err // the city is being restarted
	}
	for cursor, more := crdt.Cursor(0), true; more; {
		page, err := incarnation.PageAt(ctx, c.Name(), cursor)
		if err != nil {
			return changed, err
		}
		reply, err := incarnation.Do(ctx, city.Update{Entries: decide(page.Entries.Heroes, now), Source: city.SourceSelf})
		if err != nil {
			return changed, err // the store does not work, or the clock is not trusted
		}
		changed += reply.Changed
		cursor, more = page.Next, page.More
	}
	return changed, nil
}

// decide returns the next version of each hero that the rules change.
func decide(heroes []crdt.Hero, now time.Time) (next crdt.Entries) {
	for _, hero := range heroes {
		switch {
		case hero.Health < crdt.HealthMax:
			hero.Health = min(hero.Health+recovery, crdt.HealthMax)
			hero.Patrolling = false
		case !hero.Patrolling:
			hero.Patrolling = true
		default:
			continue
		}
		if stamp, ok := nextWrite(hero.Version, now); ok {
			hero.Version = stamp
			next.Heroes = append(next.Heroes, hero)
		}
	}
	return next
}

// nextWrite returns the version of the next write under the same order. It reports
// false while the hero is stamped so far ahead of this clock that other cities would
// not take the write yet.
func nextWrite(v crdt.Version, now time.Time) (next crdt.Version, ok bool) {
	v.HLC = max(crdt.StampAt(now), v.HLC.Next()) // Assigned and Replica stay
	return v, v.HLC <= crdt.StampAt(now.Add(city.OwnSkewMax))
}
