package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// The bounds of a demo: a bombed city needs a neighbour, and each city is a
// host of its own that takes its share of one machine.
const (
	demoCitiesMin     = 2
	demoCitiesMax     = 16
	demoCitiesDefault = 3
	demoForDefault    = 20 * time.Second
	// demoStatusEvery is the pause between two tables of how the cities are.
	demoStatusEvery = 4 * time.Second
)

func newDemo(g *globals) *cobra.Command {
	var cities int
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a few cities at work, on this machine",
		Long: `Show a few cities at work. They run in this process, on loopback, on a network
of their own, and leave nothing behind: they find each other, heroes are created,
sent on patrol and fight, one city is bombed and healed by its neighbours, and
in the end all hold the same. Patrols and fights come each second. The show is
over after --for, or with Ctrl-C, but the story is told to its end.

It ends with 0 if the cities agree in the end, and with 8 if a step of the story
took longer than --timeout.`,
		Args:    exactly(),
		Example: "  citynode demo\n  citynode demo --cities 5 --for 1m\n  citynode demo --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case cities < demoCitiesMin || cities > demoCitiesMax:
				return usagef("--cities is %d, must be %d to %d", cities, demoCitiesMin, demoCitiesMax)
			case lasts < 0:
				return usagef("--for is %v, must not be negative", lasts)
			}
			if err := refuseFlag(cmd, "node", "it starts cities of its own"); err != nil {
				return err
			}
			return g.demo(cmd.Context(), cities, lasts)
		},
	}
	cmd.Flags().IntVar(&cities, "cities", demoCitiesDefault, "how many cities")
	cmd.Flags().DurationVar(&lasts, "for", demoForDefault, "how long the show lasts")
	return cmd
}

// demo runs the whole show.
func (g *globals) demo(ctx context.Context, cities int, lasts time.Duration) error {
	begin := time.Now()
	network := g.network
	if network == "" {
		network = "demo-" + demoSuffix()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer stopOnSignals(g, cancel)()
	out := newTeller(g, func(err error) { cancel(err) })
	defer out.close()
	out.screen.begin = begin
	play := &play{out: out, begin: begin, patience: g.timeout, stage: newStage(network, out)}
	out.start(play.line("start", "", fmt.Sprintf(
		"starting %d cities on this machine, network %s; loopback only, nothing is kept", cities, network)))
	defer play.stage.close()
	if err := play.story(ctx, cities); err != nil {
		return demoError(ctx, err)
	}
	play.goOn(ctx, begin.Add(lasts))
	return play.finale()
}

// demoError says why a story broke off.
func demoError(ctx context.Context, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), errAsked):
		return failf(exitFailure, "interrupted before the story was told")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// demoSuffix tells the networks of two demos apart.
func demoSuffix() string {
	const letters = 8
	b := make([]byte, letters/2)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x", b)
}
