package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/demo"
)

// Defaults of the flags.
const (
	demoCitiesDefault = 3
	demoForDefault    = 20 * time.Second
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
			case cities < demo.CitiesMin || cities > demo.CitiesMax:
				return usagef("--cities is %d, must be %d to %d", cities, demo.CitiesMin, demo.CitiesMax)
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
	network := g.network
	if network == "" {
		network = "demo-" + demoSuffix()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopOnSignals(func(s os.Signal) { g.notef("citynode: %s", leavingText(s)) }, func() {}, cancel)
	out := newEventPrinter(g, func(err error) { cancel(err) })
	defer out.close()
	show := demoMessages{begin: time.Now()}
	out.screen.begin = show.begin
	out.start(show.line(demo.Line{Event: "start", Text: fmt.Sprintf(
		"starting %d cities on this machine, network %s; loopback only, nothing is kept", cities, network)}))
	err := demo.Run(ctx, demo.Config{
		Cities:   cities,
		Network:  network,
		Until:    show.begin.Add(lasts),
		Patience: g.timeout,
		Software: software(),
		Told:     func(l demo.Line) { out.tell(show.line(l)) },
		Changed:  func(c city.SourcedChange) { out.tell(changeMessage(time.Now(), c)) },
		Status:   func(s demo.Status) { out.tell(show.status(s)) },
		Ended:    func(s demo.Summary) { out.tell(show.summary(s)) },
	})
	return demoError(ctx, err)
}

// demoError says why a demo has failed, for a person.
func demoError(ctx context.Context, err error) error {
	broken, ok := errors.AsType[*demo.StoryError](err)
	switch {
	case errors.Is(err, demo.ErrDiffer):
		return failf(exitNotConverged, "%w", err)
	case !ok:
		return err
	case errors.Is(context.Cause(ctx), errAsked):
		return failf(exitFailure, "interrupted before the story was told")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return failf(exitNotConverged, "not within --timeout: %s", broken.Act)
	}
	return err
}

// demoSuffix returns what tells the networks of two demos apart.
func demoSuffix() string {
	const letters = 8
	b := make([]byte, letters/2)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x", b)
}
