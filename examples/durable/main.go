// Durable runs a city whose heroes outlive it, with a key and a logger of the
// program's own. It creates the heroes that are named, lists all, and runs until it is
// interrupted.
//
//	go run ./durable DIR [NAME...]
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: durable DIR [NAME...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, os.Args[1], os.Args[2:], logger, os.Stdout); err != nil {
		logger.Error("the city ended", "err", err)
		os.Exit(1)
	}
}

// run runs the city until ctx ends.
func run(ctx context.Context, dir string, names []string, logger *slog.Logger, out io.Writer) error {
	key, err := loadKey(filepath.Join(dir, "program.key"))
	if err != nil {
		return err
	}
	gotham, err := node.New(node.Config{
		City:     city.Config{Name: "gotham"},
		Identity: key,
		DataDir:  filepath.Join(dir, "gotham"),
		Logger:   logger,
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- gotham.Run(ctx) }()
	err = errors.Join(create(ctx, gotham, names), list(ctx, gotham, out))
	if err != nil {
		return errors.Join(err, gotham.Close(), <-ended)
	}
	fmt.Fprintln(out, "gotham runs")
	return <-ended // nil once ctx has ended and the city has said goodbye
}

// create creates heroes in the city.
func create(ctx context.Context, gotham *node.Node, names []string) error {
	if err := gotham.AwaitReady(ctx); err != nil {
		return err
	}
	return gotham.Call(ctx, "gotham", func(c *protocol.Client) error {
		for _, name := range names {
			request := crdt.ID(uuid.New()) // becomes the hero's id
			if _, err := c.Create(ctx, request, protocol.CreateRequest{Name: name, Here: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// list prints the heroes that are in the city.
func list(ctx context.Context, gotham *node.Node, out io.Writer) error {
	return gotham.Call(ctx, "gotham", func(c *protocol.Client) error {
		_, err := c.Get(ctx, protocol.GetRequest{Location: "gotham"}, func(page crdt.Entries) error {
			for _, hero := range page.Heroes {
				fmt.Fprintln(out, hero.Name, "is in", hero.Location)
			}
			return nil
		})
		return err
	})
}

// loadKey reads the key of the city's peer ID, and makes it on first use. A program
// that has no place of its own for it leaves Identity out: the city then keeps its key
// in its DataDir.
func loadKey(path string) (crypto.PrivKey, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		return crypto.UnmarshalPrivateKey(data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	if data, err = crypto.MarshalPrivateKey(key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, data, 0o600)
}
