package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newCityList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the cities that the node knows",
		Long: `List the cities that the node knows, itself included. A city agrees if, at most
30 s ago and since its last start, a complete sync with it ended, or it told the
digest and counts that the node has now. What a city holds is by its own account
where it answers, else by what it last told the node.`,
		Args:    exactly(),
		Example: "  citynode city list\n  citynode city list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				view, err := d.view(ctx)
				if err != nil {
					return err
				}
				cities := d.withDetails(ctx, view.cities())
				if g.json {
					return g.printJSON(cities)
				}
				return cityTable(view.info.Now.Time(), cities).write(g.stdout)
			})
		},
	}
}
