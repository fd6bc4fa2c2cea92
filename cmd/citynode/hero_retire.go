package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

func newHeroRetire(g *globals) *cobra.Command {
	var agreed consent
	cmd := &cobra.Command{
		Use:   "retire ID|NAME",
		Short: "End a hero for ever",
		Long: `End a hero for ever. A person is asked first. Where nobody can be asked the hero's
full id is needed, or --yes.`,
		Args:              exactly("the hero's ID or NAME"),
		Example:           "  citynode hero retire Batman\n  citynode hero retire 3f2a9c1e --yes",
		ValidArgsFunction: g.completeHero,
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := g.parseHeroRef(args[0])
			if err != nil {
				return err
			}
			_, full := ref.whole()
			err = g.agree(agreed, full, func() (what casualty, err error) {
				ref, what, err = g.heroToRetire(cmd, ref)
				return what, err
			})
			if err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				id, err := d.heroID(ctx, ref)
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
	agreed.add(cmd)
	return cmd
}

// heroToRetire finds the hero that is meant. It returns the hero's full id too, for a
// person to agree to the death of this one and no other.
func (g *globals) heroToRetire(cmd *cobra.Command, ref heroRef) (full heroRef, what casualty, err error) {
	err = g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
		id, err := d.heroID(ctx, ref)
		if err != nil {
			return err
		}
		hero, err := d.hero(ctx, id)
		if err != nil {
			return err
		}
		full = heroRef{id.String(), parseHeroPrefix(id.String())}
		what = casualty{deed: "Retire the hero", name: hero.Name, id: id.String(), place: hero.Location}
		return nil
	})
	return full, what, err
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
