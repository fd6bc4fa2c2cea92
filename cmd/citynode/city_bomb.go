package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

func newCityBomb(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "bomb CITY",
		Short: "Make a city crash and lose all it knows",
		Long: `Make a city crash and lose all it knows. Its supervisor restarts it empty, and
its neighbours heal it; one with no neighbours has lost all. Only an admin may:
the user who started the city, and whom run --admin names. It is never tried
twice.`,
		Args:              exactly("CITY"),
		Example:           "  citynode city bomb gotham",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkCity(args[0]); err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				bombed, err := d.bomb(ctx, args[0])
				if err != nil {
					return err
				}
				if g.json {
					return g.printJSON(bombedJSON{City: args[0], Peer: bombed.String(), Bombed: true})
				}
				return g.printf("%s is bombed\n", args[0])
			})
		},
	}
}

type bombedJSON struct {
	City   string `json:"city"`
	Peer   string `json:"peer"`
	Bombed bool   `json:"bombed"`
}

// bomb bombs a city and returns its peer ID.
func (d dispatcher) bomb(ctx context.Context, name string) (peer.ID, error) {
	at, err := d.City(ctx, name)
	if err != nil {
		return "", err
	}
	err = d.Bomb(ctx, name)
	switch {
	case err == nil:
		return at.Peer().ID, nil
	case errors.Is(err, protocol.ErrForbidden):
		return "", failf(exitRefused, "bomb %s: %w", name, err).
			withHint("name this command's peer with run --admin; citynode key identity prints it")
	case errors.Is(err, protocol.ErrStreamClosed):
		return "", failf(exitFailure, "bomb %s: %w; whether it crashed is not known", name, err)
	}
	return "", fmt.Errorf("bomb %s: %w", name, err)
}
