package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

func newCityForget(g *globals) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "forget NAME|PEER",
		Short: "Have the node forget a city that is gone",
		Long: `Have the node that is asked, and no other, forget a city that has left or
failed: it is not listed any more, and not dialed again. By itself a node forgets a
city 24 hours after it has left, and 72 hours after it has failed. A city that
comes back is known again as soon as it speaks for itself. One that is alive is
refused. Only an admin may: the user who started the node, and whom run --admin
names.

NAME stands for every peer under that name that is gone, and needs --yes; a full
peer ID says exactly who is meant.`,
		Args:              exactly("NAME|PEER"),
		Example:           "  citynode city forget gotham --yes\n  citynode city forget 12D3KooW…",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := forgetRequest(args[0], yes)
			if err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				dropped, err := d.forget(ctx, request)
				if err != nil {
					return forgetError(args[0], err)
				}
				return g.printForgotten(args[0], dropped)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "forget whoever is gone of that name")
	return cmd
}

// forgetRequest returns what is to be forgotten. A text of a peer ID is no city's name, for
// it has capitals.
func forgetRequest(what string, yes bool) (protocol.ForgetRequest, error) {
	if id, err := peer.Decode(what); err == nil {
		return protocol.ForgetRequest{Peer: []byte(id)}, nil
	}
	if err := checkCity(what); err != nil {
		return protocol.ForgetRequest{}, err
	}
	if !yes {
		return protocol.ForgetRequest{}, usagef("%s may be the name of several peers", what).
			withHint("give the full peer ID, which citynode city list prints, or add --yes")
	}
	return protocol.ForgetRequest{City: what}, nil
}

// forget returns the peers that the node has forgotten.
func (d dispatcher) forget(ctx context.Context, r protocol.ForgetRequest) (dropped [][]byte, err error) {
	err = d.Node().Call(ctx, func(c *protocol.Client) (err error) {
		dropped, err = c.Forget(ctx, r)
		return err
	})
	return dropped, err
}

func forgetError(what string, err error) error {
	if errors.Is(err, protocol.ErrForbidden) {
		return failf(exitRefused, "forget %s: %w", what, err).
			withHint("name this command's peer with run --admin; citynode key identity prints it")
	}
	return fmt.Errorf("forget %s: %w", what, err)
}

type forgottenJSON struct {
	Forgotten []string `json:"forgotten"` // peers
}

func (g *globals) printForgotten(what string, dropped [][]byte) error {
	if len(dropped) == 0 {
		return failf(exitNotFound, "the node knows no city %s", what)
	}
	peers := make([]string, len(dropped))
	for i, b := range dropped {
		peers[i] = peerText(b)
	}
	if g.json {
		return g.printJSON(forgottenJSON{peers})
	}
	return g.printf("%s is forgotten, peer %s\n", what, strings.Join(peers, " "))
}
