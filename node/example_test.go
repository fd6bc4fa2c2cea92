package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

// createBatman is what README shows.
func createBatman(ctx context.Context, dir string, logger *slog.Logger) error {
	gotham, err := node.New(node.Config{
		City:    city.Config{Name: "gotham"},
		DataDir: dir, // the city's key and heroes; without it they are lost at the end
		Logger:  logger,
	})
	if err != nil {
		return err
	}
	defer gotham.Close()
	go gotham.Run(ctx) // until ctx ends, or Close
	if err := gotham.AwaitReady(ctx); err != nil {
		return err
	}
	request := crdt.ID(uuid.New()) // a retry has the same; it becomes the hero's id
	return gotham.Call(ctx, "gotham", func(c *protocol.Client) error {
		_, err := c.Create(ctx, request, protocol.CreateRequest{Name: "Batman", Here: true})
		return err
	})
}

// listHeroes runs the city of that folder again and prints who is there.
func listHeroes(ctx context.Context, dir string) error {
	gotham, err := node.New(node.Config{City: city.Config{Name: "gotham"}, DataDir: dir})
	if err != nil {
		return err
	}
	defer gotham.Close()
	go gotham.Run(ctx)
	if err := gotham.AwaitReady(ctx); err != nil {
		return err
	}
	return gotham.Call(ctx, "gotham", func(c *protocol.Client) error {
		_, err := c.Get(ctx, protocol.GetRequest{Location: "gotham"}, func(page crdt.Entries) error {
			for _, hero := range page.Heroes {
				fmt.Println(hero.Name, "is in", hero.Location)
			}
			return nil
		})
		return err
	})
}

// A durable city is stopped, and has its heroes when it is started again.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "gotham")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	if err := createBatman(ctx, dir, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
		log.Fatal(err)
	}
	if err := listHeroes(ctx, dir); err != nil {
		log.Fatal(err)
	}
	// Output: Batman is in gotham
}

// start runs a city without ticks on loopback until stop is called.
func start(ctx context.Context, name string, bootstrap ...ma.Multiaddr) (n *node.Node, stop func()) {
	n, err := node.New(node.Config{
		City:      city.Config{Name: name, PatrolEvery: city.Off, FightEvery: city.Off},
		Bootstrap: bootstrap,
	})
	if err != nil {
		log.Fatal(err)
	}
	go n.Run(ctx)
	if err := n.AwaitReady(ctx); err != nil {
		log.Fatal(err)
	}
	return n, func() { n.Close() }
}

// A node calls its own city and others in one way, by name, and their errors match
// the same sentinels.
func ExampleNode_Call() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	gotham, stop := start(ctx, "gotham")
	defer stop()
	_, stop = start(ctx, "metropolis", gotham.Addrs()...)
	defer stop()
	for other := range gotham.FollowCities(ctx) {
		if other.Name == "metropolis" && other.Status == node.Alive {
			break // gotham knows it by now
		}
	}

	for _, name := range []string{"gotham", "metropolis"} {
		err := gotham.Call(ctx, name, func(c *protocol.Client) error {
			info, err := c.Info(ctx)
			if err != nil {
				return err
			}
			fmt.Println("this is", info.City)
			_, err = c.Retire(ctx, crdt.ID(uuid.New()), protocol.RetireRequest{Hero: crdt.ID(uuid.New())})
			return err
		})
		fmt.Println("it knows no such hero:", errors.Is(err, protocol.ErrNotFound))
	}
	// Output:
	// this is gotham
	// it knows no such hero: true
	// this is metropolis
	// it knows no such hero: true
}

// A node tells which other cities it knows, and then each change: one that it finds,
// one that leaves with a goodbye or fails without one, one that was restarted.
func ExampleNode_FollowCities() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	gotham, stop := start(ctx, "gotham")
	defer stop()
	_, stop = start(ctx, "metropolis", gotham.Addrs()...)
	defer stop()

	for other := range gotham.FollowCities(ctx) {
		fmt.Println(other.Name, "is", other.Status)
		if other.Name == "metropolis" && other.Status == node.Alive {
			break
		}
	}
	// Output: metropolis is alive
}
