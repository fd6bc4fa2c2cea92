package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
)

func newWatch(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "watch [CITY]",
		Short: "Print what happens, as it happens",
		Long: `Print what happens to heroes, as it happens: everywhere, as the node hears of it,
or in one city, as the city itself tells it. It ends with Ctrl-C, or when a
--timeout that was given is over, with exit code 0.

With --json each line is {"event","time","id","name","city","health","damage",
"from","to"}; "event" is "assigned", "left", "came", "patrolling", "fought" or
"died". After a gap, what changed in it is told in one step. While the city
cannot be reached, another one tells what it hears of it.`,
		Args:              atMostOne,
		Example:           "  citynode watch\n  citynode watch gotham --json\n  citynode watch --timeout 1m",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			location := ""
			if len(args) == 1 {
				location = args[0]
				if err := checkCity(location); err != nil {
					return err
				}
			}
			ctx, cancel := cmd.Context(), func() {}
			if cmd.Flags().Changed("timeout") {
				ctx, cancel = context.WithTimeout(ctx, g.timeout)
			}
			defer cancel()
			return g.dispatchIn(ctx, func(ctx context.Context, d dispatcher) error {
				return g.watch(ctx, d, location)
			})
		},
	}
}

// watch prints changes until ctx ends, which is a good end for a watch that
// began.
func (g *globals) watch(ctx context.Context, d dispatcher, location string) error {
	finding, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	at, err := d.cityNamed(finding, location)
	if err != nil { // a follow would be content with what other cities know of the place
		return err
	}
	screen, live := newScreen(g), false
	for update, err := range d.Follow(ctx, location) {
		switch {
		case errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			return fmt.Errorf("watch %s: %w", at, err)
		case update.Live:
			live = true
		case live: // before that it is what was there, which a person has not asked for
			if err := screen.changes([]crdt.Change{update.Change}); err != nil {
				return err
			}
		}
	}
	return nil
}
