package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

func newCityForget(g *globals) *cobra.Command {
	var agreed consent
	cmd := &cobra.Command{
		Use:   "forget NAME|PEER",
		Short: "Have the node forget a city that is gone",
		Long: `Have the node that is asked, and no other, forget a city that has left or
failed: it is not listed any more, and not dialed again. By itself a node forgets a
city 24 hours after it has left, and 72 hours after it has failed. A city that
comes back is known again as soon as it speaks for itself. One that is alive is
refused. Only an admin may: the user who started the node, and whom run --admin
names.

NAME stands for every peer under that name that is gone; a full peer ID says exactly
who is meant. A person is asked first. Where nobody can be asked the full peer ID is
needed, or --yes.`,
		Args:              exactly("NAME|PEER"),
		Example:           "  citynode city forget gotham --yes\n  citynode city forget 12D3KooW…",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parseCityRef(args[0])
			if err != nil {
				return err
			}
			meant := []protocol.ForgetRequest{ref.forgetRequest()}
			err = g.agree(agreed, ref.full(), func() (what casualty, err error) {
				meant, what, err = g.citiesToForget(cmd, ref)
				return what, err
			})
			if err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				dropped, err := d.forget(ctx, meant)
				if err != nil {
					return forgetError(args[0], err)
				}
				return g.printForgotten(args[0], dropped)
			})
		},
	}
	agreed.add(cmd)
	return cmd
}

// forgetRequest returns the request to forget whom the reference names.
func (r cityRef) forgetRequest() protocol.ForgetRequest {
	if r.full() {
		return protocol.ForgetRequest{Peer: []byte(r.peer)}
	}
	return protocol.ForgetRequest{City: r.name}
}

// names reports whether the reference names the city of a line.
func (r cityRef) names(line protocol.CityLine) bool {
	if r.full() {
		return string(line.Peer) == string(r.peer)
	}
	return line.Presence.City == r.name
}

// citiesToForget finds the cities that are meant and gone. It returns one request for each,
// for a person to agree that these are forgotten and no others.
func (g *globals) citiesToForget(cmd *cobra.Command, ref cityRef) (meant []protocol.ForgetRequest, what casualty, err error) {
	err = g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
		view, err := d.view(ctx)
		if err != nil {
			return err
		}
		gone, err := d.gone(view, ref, cmd.Flags().Arg(0))
		if err != nil {
			return err
		}
		var ids []string
		for _, line := range gone {
			meant = append(meant, protocol.ForgetRequest{Peer: line.Peer})
			ids = append(ids, peerText(line.Peer))
		}
		place := "network " + d.Network() + ", in the list of " + view.info.City
		what = casualty{"Forget the city", gone[0].Presence.City, strings.Join(ids, " "), place}
		return nil
	})
	return meant, what, err
}

// gone returns those cities that a reference names and that have left or failed. Where there
// is none the error says why.
func (d dispatcher) gone(v view, ref cityRef, what string) (gone []protocol.CityLine, err error) {
	known := false
	for _, line := range v.lines {
		known = known || ref.names(line)
		if ref.names(line) && (line.Status == protocol.StatusFailed || line.Status == protocol.StatusLeft) {
			gone = append(gone, line)
		}
	}
	switch {
	case !known:
		return nil, d.g.nothingToForget(what)
	case len(gone) == 0:
		return nil, failf(exitRefused, "forget %s: it is alive", what).withHint("stop it first")
	}
	return gone, nil
}

// forget returns the peers that the node has forgotten.
func (d dispatcher) forget(ctx context.Context, meant []protocol.ForgetRequest) (dropped [][]byte, err error) {
	for _, request := range meant {
		var some [][]byte
		err = d.Node().Call(ctx, func(c *protocol.Client) (err error) {
			some, err = c.Forget(ctx, request)
			return err
		})
		if err != nil {
			return dropped, err
		}
		dropped = append(dropped, some...)
	}
	return dropped, nil
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
		return g.nothingToForget(what)
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

// nothingToForget returns the error that there is no such city.
func (g *globals) nothingToForget(what string) error {
	return failf(exitNotFound, "the node knows no city %s", what).withHint("see all with %s", g.command("city list"))
}
