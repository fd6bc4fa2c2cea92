package main

import (
	"bufio"
	"context"
	"io"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/node/nodetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestADeathIsToldByACityThatHeardOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.New(t)
		gotham, metropolis := c.Start(nodetest.Quiet("gotham")), c.Start(nodetest.Quiet("metropolis"))
		c.AwaitReady()
		robin := city.Caller{Request: crdt.ID{1}}
		if _, err := gotham.City().Do(t.Context(), city.Create{Caller: robin, HeroName: "Robin", Here: true}); err != nil {
			t.Fatal(err)
		}
		c.AwaitEqual()

		ctx, cancel := context.WithCancel(t.Context())
		reader, writer := io.Pipe()
		ended := make(chan error, 1)
		go func() { // asks metropolis
			ended <- run(ctx, dispatch.Config{Nodes: metropolis.Addrs(), NewHost: c.NewHost}, writer)
		}()
		said := bufio.NewScanner(reader)
		for _, want := range []string{"following", "Robin died in gotham"} {
			if !said.Scan() || said.Text() != want {
				t.Fatalf("it says %q, want %q", said.Text(), want)
			}
			if want == "following" {
				if _, err := gotham.City().Do(t.Context(), city.Retire{Hero: robin.Request}); err != nil {
					t.Fatal(err)
				}
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
