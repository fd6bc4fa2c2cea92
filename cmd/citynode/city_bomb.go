package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

func newCityBomb(g *globals) *cobra.Command {
	var agreed consent
	cmd := &cobra.Command{
		Use:   "bomb CITY|PEER",
		Short: "Make a city crash and lose all it knows",
		Long: `Make a city crash and lose all it knows. Its supervisor restarts it empty, and
its neighbours heal it; one with no neighbours has lost all. Only an admin may:
the user who started the city, and whom run --admin names. It is never tried
twice. A person is asked first. Where nobody can be asked the city's full id is
needed, which is its peer ID, or --yes.`,
		Args:              exactly("CITY or its PEER"),
		Example:           "  citynode city bomb gotham\n  citynode city bomb gotham --yes",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parseCityRef(args[0])
			if err != nil {
				return err
			}
			err = g.agree(agreed, ref.full(), func() (what casualty, err error) {
				ref, what, err = g.cityToBomb(cmd, ref)
				return what, err
			})
			if err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				bombed, err := d.bomb(ctx, ref)
				if err != nil {
					return err
				}
				if g.json {
					return g.printJSON(bombed)
				}
				return g.printf("%s is bombed\n", bombed.City)
			})
		},
	}
	agreed.add(cmd)
	return cmd
}

// cityToBomb finds the city that is meant. It returns its peer ID too, for a person to
// agree to the bombing of this one and no other.
func (g *globals) cityToBomb(cmd *cobra.Command, ref cityRef) (full cityRef, what casualty, err error) {
	err = g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
		at, name, err := d.cityMeant(ctx, ref)
		if err != nil {
			return err
		}
		full = cityRef{name, at.Peer().ID}
		place := strings.Join(withoutPeer(addrTexts(at.Peer())), " ")
		what = casualty{"Bomb the city", name, full.peer.String(), "network " + d.Network() + ", at " + place}
		return nil
	})
	return full, what, err
}

type bombedJSON struct {
	City   string `json:"city"`
	Peer   string `json:"peer"`
	Bombed bool   `json:"bombed"`
}

// bomb bombs a city.
func (d dispatcher) bomb(ctx context.Context, ref cityRef) (bombedJSON, error) {
	at, name, err := d.cityMeant(ctx, ref)
	if err != nil {
		return bombedJSON{}, err
	}
	err = at.Once(ctx, func(c *protocol.Client) error { return c.Bomb(ctx) })
	switch {
	case err == nil:
		return bombedJSON{City: name, Peer: at.Peer().ID.String(), Bombed: true}, nil
	case errors.Is(err, protocol.ErrForbidden) && d.g.keyless != nil:
		return bombedJSON{}, failf(exitRefused, "bomb %s: %w", name, err).
			withHint("this command has no key of its own: %v", d.g.keyless)
	case errors.Is(err, protocol.ErrForbidden):
		return bombedJSON{}, failf(exitRefused, "bomb %s: %w", name, err).
			withHint("name this command's peer with run --admin; citynode key identity prints it")
	case errors.Is(err, protocol.ErrStreamClosed):
		return bombedJSON{}, failf(exitFailure, "bomb %s: %w; whether it crashed is not known", name, err)
	}
	return bombedJSON{}, fmt.Errorf("bomb %s: %w", name, err)
}
