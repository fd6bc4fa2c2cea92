package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

func newHeroShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID|NAME",
		Short: "Show one hero",
		Long: `Show one hero, by its id, the beginning of it, or its name where only
one hero has that. A dead one ends with exit code 5.`,
		Args:              exactly("the hero's ID or NAME"),
		Example:           "  citynode hero show 3f2a9c1e\n  citynode hero show Batman --json",
		ValidArgsFunction: g.completeHero,
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := g.parseHeroRef(args[0])
			if err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				id, err := d.heroID(ctx, ref)
				if err != nil {
					return err
				}
				hero, err := d.hero(ctx, id)
				if err != nil {
					return err
				}
				return g.printHero("", hero)
			})
		},
	}
}

// hero asks the node for one living hero.
func (d dispatcher) hero(ctx context.Context, id crdt.ID) (crdt.Hero, error) {
	got, err := getAt(ctx, d.Node(), protocol.GetRequest{IDs: []crdt.ID{id}})
	if err != nil {
		return crdt.Hero{}, err
	}
	if hero, ok := got.heroes[id]; ok {
		return hero, nil
	}
	if tombstone, ok := got.tombstones[id]; ok {
		return crdt.Hero{}, failf(exitRefused, "hero %s is dead, since %s", id, timeText(tombstone.Version.HLC))
	}
	return crdt.Hero{}, failf(exitNotFound, "there is no hero %s", id).
		withHint("see the ids with %s", d.g.command("hero list"))
}
