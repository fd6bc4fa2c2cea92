package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

func newHeroCreate(g *globals) *cobra.Command {
	var city string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a hero, at home or in a city",
		Args:  exactly("NAME"),
		Example: "  citynode hero create Batman\n" +
			"  citynode hero create 'Wonder Woman' --city metropolis\n" +
			"  citynode hero create Robin --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := crdt.ValidateHeroName(args[0]); err != nil {
				return usagef("%q cannot be a hero's name: %s", args[0], reason(err))
			}
			if err := checkCityFlag(cmd, city); err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				hero, err := d.create(ctx, args[0], city)
				if err != nil {
					return err
				}
				return g.printHero("created "+hero.Name, hero)
			})
		},
	}
	cmd.Flags().StringVar(&city, "city", "", "create the hero in this city rather than at home")
	g.completeCityFlag(cmd)
	return cmd
}

// create makes a hero, in a city or, if that is empty, at home. All attempts
// have one request id, which is the hero's, so that there is one hero.
func (d dispatcher) create(ctx context.Context, name, city string) (crdt.Hero, error) {
	id, err := newID()
	if err != nil {
		return crdt.Hero{}, err
	}
	at := d.Node()
	if city != "" {
		if at, err = d.cityNamed(ctx, city); err != nil {
			return crdt.Hero{}, err
		}
	}
	var reply protocol.HeroReply
	err = at.Call(ctx, func(c *protocol.Client) (err error) {
		reply, err = c.Create(ctx, id, protocol.CreateRequest{Name: name, Here: city != ""})
		return err
	})
	if err != nil {
		return crdt.Hero{}, fmt.Errorf("create %s: %w", name, err)
	}
	return reply.Hero, nil
}

// newID returns a random id for a hero or a request.
func newID() (crdt.ID, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return crdt.ID{}, fmt.Errorf("make an id: %w", err)
	}
	return crdt.ID(id), nil
}
