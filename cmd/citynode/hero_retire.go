package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

func newHeroRetire(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "retire ID",
		Short:             "End a hero for ever",
		Args:              exactly("the hero's ID"),
		Example:           "  citynode hero retire 3f2a9c1e",
		ValidArgsFunction: g.completeHero,
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix, err := parseHeroID(args[0])
			if err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				id, err := d.heroID(ctx, prefix)
				if err != nil {
					return err
				}
				tombstone, err := d.retire(ctx, id)
				if err != nil {
					return err
				}
				return g.printRetired(tombstone)
			})
		},
	}
}

// retire ends a hero by way of the node.
func (d dispatcher) retire(ctx context.Context, hero crdt.ID) (crdt.Tombstone, error) {
	request, err := newID()
	if err != nil {
		return crdt.Tombstone{}, err
	}
	var reply protocol.RetireReply
	err = d.Node().Call(ctx, func(c *protocol.Client) (err error) {
		reply, err = c.Retire(ctx, request, protocol.RetireRequest{Hero: hero})
		return err
	})
	if err != nil {
		return crdt.Tombstone{}, fmt.Errorf("retire hero %s: %w", hero, err)
	}
	return reply.Tombstone, nil
}

func (g *globals) printRetired(t crdt.Tombstone) error {
	if g.json {
		return g.printJSON(retiredJSON{ID: t.ID, tombstoneJSON: toTombstoneJSON(t)})
	}
	return g.printf("hero %s is dead\n", t.ID)
}
