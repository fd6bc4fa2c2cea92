package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

func newGet(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "get CITY",
		Short: "Print the whole state as a city holds it",
		Long: `Print the whole state as a city holds it: all heroes, wherever they are, and all
tombstones. With --json: {"superheroes":{ID:hero},"tombstones":{ID:{"last_updated"}},"digest"}.`,
		Args:              exactly("CITY"),
		Example:           "  citynode get gotham\n  citynode get gotham --json",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkCity(args[0]); err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				at, err := d.cityNamed(ctx, args[0])
				if err != nil {
					return err
				}
				got, err := getAt(ctx, at, protocol.GetRequest{})
				if err != nil {
					return err
				}
				return g.printState(got)
			})
		},
	}
}

func (g *globals) printState(got state) error {
	if g.json {
		return g.printJSON(toStateJSON(got))
	}
	if err := heroTable(got.sorted()).write(g.stdout); err != nil {
		return err
	}
	return g.printf("\n%s, %d dead, digest %s\n",
		counted(uint64(len(got.heroes)), "hero", "heroes"), len(got.tombstones), got.summary.Digest)
}
