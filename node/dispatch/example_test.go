package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/google/uuid"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

// startCity runs a city on loopback, which here stands for one that runs
// elsewhere, until stop is called.
func startCity(ctx context.Context, name string) (n *node.Node, stop func()) {
	n, err := node.New(node.Config{City: city.Config{Name: name}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	select {
	case <-n.Ready():
	case err := <-ended:
		log.Fatal(err)
	}
	return n, func() { cancel(); <-ended }
}

// create creates a hero in a city. The id is made before the call, so that all
// attempts create one hero.
func create(ctx context.Context, d *dispatch.Dispatcher, city, name string) (crdt.Hero, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return crdt.Hero{}, err
	}
	var reply protocol.HeroReply
	err = d.Call(ctx, city, func(c *protocol.Client) (err error) {
		reply, err = c.Create(ctx, crdt.ID(id), protocol.CreateRequest{Name: name, Here: true})
		return err
	})
	return reply.Hero, err
}

// A program calls a city by its name, by way of any node of the network.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, stop := startCity(ctx, "gotham")
	defer stop()

	d, err := dispatch.Dial(ctx, dispatch.Config{Nodes: n.Addrs()})
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	hero, err := create(ctx, d, "gotham", "Batman")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hero.Name, "is in", hero.Location)
	_, err = create(ctx, d, "atlantis", "Aquaman")
	fmt.Println("there is no atlantis:", errors.Is(err, protocol.ErrNotFound))
	// Output:
	// Batman is in gotham
	// there is no atlantis: true
}

// A program tells the deaths in a city. Each is told once, also if the city could
// not be reached when the hero died.
func ExampleDispatcher_Follow() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, stop := startCity(ctx, "gotham")
	defer stop()
	d, err := dispatch.Dial(ctx, dispatch.Config{Nodes: n.Addrs()})
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	hero, err := create(ctx, d, "gotham", "Robin")
	if err != nil {
		log.Fatal(err)
	}

	for update, err := range d.Follow(ctx, "gotham") {
		if err != nil {
			log.Fatal(err)
		}
		if update.Live {
			retire(ctx, d, hero.ID) // which happens elsewhere, as a rule
			continue
		}
		for _, event := range update.Change.Events() {
			fmt.Println(event.Name, event.Kind, "in", event.City)
			if event.Kind == crdt.EventDied {
				return
			}
		}
	}
	// Output:
	// Robin came in gotham
	// Robin died in gotham
}

func retire(ctx context.Context, d *dispatch.Dispatcher, hero crdt.ID) {
	id := crdt.ID(uuid.New())
	err := d.Call(ctx, "gotham", func(c *protocol.Client) error {
		_, err := c.Retire(ctx, id, protocol.RetireRequest{Hero: hero})
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
}
