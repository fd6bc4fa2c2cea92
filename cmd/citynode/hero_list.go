package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

func newHeroList(g *globals) *cobra.Command {
	var city string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the living heroes, of all places or of one city",
		Args:  exactly(),
		Example: "  citynode hero list\n" +
			"  citynode hero list --city gotham\n" +
			"  citynode hero list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkCityFlag(cmd, city); err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				heroes, err := d.listHeroes(ctx, city)
				if err != nil {
					return err
				}
				return g.printHeroes(heroes)
			})
		},
	}
	cmd.Flags().StringVar(&city, "city", "", "only the heroes in this city, by its own account")
	g.completeCityFlag(cmd)
	return cmd
}

// listHeroes asks a city for its heroes, or the node for all.
func (d dispatcher) listHeroes(ctx context.Context, city string) ([]crdt.Hero, error) {
	at := d.Node()
	if city != "" {
		var err error
		if at, err = d.cityNamed(ctx, city); err != nil {
			return nil, err
		}
	}
	got, err := getAt(ctx, at, protocol.GetRequest{Location: city})
	return got.sorted(), err
}

// getAt collects the answer to a get.
func getAt(ctx context.Context, at *dispatch.Link, request protocol.GetRequest) (state, error) {
	var got state
	err := at.Call(ctx, func(c *protocol.Client) (err error) {
		got = newState()
		got.summary, err = c.Get(ctx, request, func(page crdt.Entries) error {
			got.add(page)
			return nil
		})
		return err
	})
	if err != nil {
		return state{}, fmt.Errorf("ask %s for its state: %w", at, err)
	}
	return got, nil
}

func (g *globals) printHeroes(heroes []crdt.Hero) error {
	if g.json {
		lines := make([]heroJSON, 0, len(heroes))
		for _, h := range heroes {
			lines = append(lines, toHeroJSON(h))
		}
		return g.printJSON(lines)
	}
	if len(heroes) == 0 {
		g.notef("no heroes")
		return nil
	}
	return heroTable(heroes).write(g.stdout)
}
