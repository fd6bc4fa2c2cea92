package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newCityList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the cities that the node knows",
		Long: `List the cities that the node knows, itself included. What a city holds is by its
own account where it answers ("now" in the table, live in JSON), else by its newest
word to the node, whose age the table shows.

A city agrees if its newest word is proved: if the node itself held just that, at some
moment from a second before the word arrived until now, or if a sync begun after that
was complete. It does not agree if that has not been so for five seconds. It is not
known ("-", null) where no word came for two intervals of presence, or a minute, or
the city has failed or left.

A city that is relayed is heard only through the one that is named: the node cannot
reach it, as where each of the two is behind a NAT. It takes part all the same, but the
node can give it no order.`,
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
