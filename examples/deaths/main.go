// Deaths tells the deaths of heroes in all cities of a network, each once, also those
// that happen while no city can be reached. It asks the nodes whose addresses it is
// given, and runs until it is interrupted.
//
//	go run ./deaths /ip4/127.0.0.1/udp/4001/quic-v1/p2p/12D3Koo… [ADDR...]
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/dispatch"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	nodes, err := bootstrap.ParsePeers(os.Args[1:])
	if err == nil {
		err = run(ctx, dispatch.Config{Nodes: nodes, Logger: logger}, os.Stdout)
	}
	if err != nil {
		logger.Error("deaths are not followed", "err", err)
		os.Exit(1)
	}
}

// run follows until ctx ends.
func run(ctx context.Context, config dispatch.Config, out io.Writer) error {
	d, err := dispatch.Dial(ctx, config)
	if err != nil {
		return err
	}
	defer d.Close()
	live := false
	for update, err := range d.Follow(ctx, "") { // or the name of one city
		if err != nil {
			return err
		}
		if update.Live { // from here on it is told what happens, not what is there
			live = true
			fmt.Fprintln(out, "following")
			continue
		}
		for _, event := range update.Change.Events() {
			if live && event.Kind == crdt.EventDied {
				fmt.Fprintln(out, event.Name, "died in", event.City)
			}
		}
	}
	return nil
}
