package city_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// start runs a city without a network and without ticks until stop is called.
func start(ctx context.Context, name string) (c *city.City, stop func()) {
	c, err := city.New(city.Config{Name: name, PatrolEvery: city.Off, FightEvery: city.Off}, city.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	serve, err := c.Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	// There are no neighbours to learn from, so the city knows all that there is.
	if _, err := c.Do(ctx, city.Open{}); err != nil {
		log.Fatal(err)
	}
	return c, func() { cancel(); <-ended }
}

// A city is an actor: it takes messages and needs no network.
func Example() {
	ctx := context.Background()
	gotham, stop := start(ctx, "gotham")
	defer stop()

	batman := crdt.ID{1}
	created, err := gotham.Do(ctx, city.Create{Caller: city.Caller{Name: "alfred", Request: batman}, HeroName: "Batman"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Hero.Name, "is at", created.Hero.Location)
	assigned, err := gotham.Do(ctx, city.Assign{Caller: city.Caller{Name: "alfred", Request: crdt.ID{2}}, Hero: batman})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(assigned.Hero.Name, "is in", assigned.Hero.Location)
	_, err = gotham.Do(ctx, city.Retire{Caller: city.Caller{Name: "alfred", Request: crdt.ID{3}}, Hero: crdt.ID{9}})
	fmt.Println(err)
	// Output:
	// Batman is at home
	// Batman is in gotham
	// no hero 09000000-0000-0000-0000-000000000000 is known to city gotham
}

// A program that has switched the ticks off writes the heroes of its city by rules of
// its own. It keeps the order under which the hero is here and advances the last
// write.
func ExampleUpdate() {
	ctx := context.Background()
	gotham, stop := start(ctx, "gotham")
	defer stop()
	created, err := gotham.Do(ctx, city.Create{Caller: city.Caller{Request: crdt.ID{1}}, HeroName: "Batman", Here: true})
	if err != nil {
		log.Fatal(err)
	}

	tired := created.Hero
	tired.Health /= 2
	tired.Version.HLC = max(crdt.StampAt(time.Now()), created.Hero.Version.HLC.Next())
	own := city.Update{Entries: crdt.Entries{Heroes: []crdt.Hero{tired}}, Source: city.SourceSelf}
	for range 2 {
		written, err := gotham.Do(ctx, own)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("changed:", written.Changed)
	}

	// An assignment is a later order: what was computed from before it changes nothing.
	if _, err := gotham.Do(ctx, city.Assign{Hero: tired.ID}); err != nil {
		log.Fatal(err)
	}
	tired.Health, tired.Version.HLC = 1, tired.Version.HLC.Next()
	stale, err := gotham.Do(ctx, city.Update{Entries: crdt.Entries{Heroes: []crdt.Hero{tired}}, Source: city.SourceSelf})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("changed by a stale write:", stale.Changed)
	// Output:
	// changed: 1
	// changed: 0
	// changed by a stale write: 0
}
