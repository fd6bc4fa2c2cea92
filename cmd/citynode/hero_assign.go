package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

func newHeroAssign(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "assign ID|NAME CITY|home",
		Short: "Order a hero to a city, or home, and heal it",
		Long: `Order a hero to a city, which carries the order out itself, or home. The hero
gets up to 20 health, also where it is there already. What the node knows of the
hero travels with the order, so that the city need not have heard of it.`,
		Args: exactly("the hero's ID or NAME", "CITY or home"),
		Example: "  citynode hero assign 3f2a9c1e gotham\n" +
			"  citynode hero assign Batman home --json",
		ValidArgsFunction: g.completeAssign,
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := g.parseHeroRef(args[0])
			if err != nil {
				return err
			}
			if args[1] != crdt.Home {
				if err := checkCity(args[1]); err != nil {
					return err
				}
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				id, err := d.heroID(ctx, ref)
				if err != nil {
					return err
				}
				hero, err := d.assign(ctx, id, args[1])
				if err != nil {
					return err
				}
				return g.printHero(fmt.Sprintf("%s is assigned to %s", hero.Name, hero.Location), hero)
			})
		},
	}
}

// assign orders a hero to a city, by a call to the city itself, or home, by one
// to the node.
func (d dispatcher) assign(ctx context.Context, hero crdt.ID, place string) (crdt.Hero, error) {
	request, err := newID()
	if err != nil {
		return crdt.Hero{}, err
	}
	order := protocol.AssignRequest{Hero: hero, Home: place == crdt.Home}
	at := d.Node()
	if !order.Home {
		if at, err = d.cityNamed(ctx, place); err != nil {
			return crdt.Hero{}, err
		}
		if order.Entries, err = d.travelling(ctx, hero); err != nil {
			return crdt.Hero{}, err
		}
	}
	var reply protocol.HeroReply
	err = at.Call(ctx, func(c *protocol.Client) (err error) {
		reply, err = c.Assign(ctx, request, order)
		return err
	})
	if err != nil {
		return crdt.Hero{}, fmt.Errorf("assign hero %s to %s: %w", hero, place, err)
	}
	return reply.Hero, nil
}

// travelling returns what the node knows of a hero, to be taken along; nil if that
// is nothing.
func (d dispatcher) travelling(ctx context.Context, hero crdt.ID) (*crdt.Entries, error) {
	got, err := getAt(ctx, d.Node(), protocol.GetRequest{IDs: []crdt.ID{hero}})
	if err != nil {
		return nil, err
	}
	var entries crdt.Entries
	if h, ok := got.heroes[hero]; ok {
		entries.Heroes = []crdt.Hero{h}
	}
	if t, ok := got.tombstones[hero]; ok {
		entries.Tombstones = []crdt.Tombstone{t}
	}
	if entries.Len() == 0 {
		return nil, nil
	}
	return &entries, nil
}
