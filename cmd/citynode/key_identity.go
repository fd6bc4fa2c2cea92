package main

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/operator"
)

func newKeyIdentity(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "identity",
		Short: "Print the peer IDs of the command line and of this user's cities",
		Long: `Print the peer ID of the command line, which is what run --admin takes on other
machines, and those of the cities that this user has run here. The command
line's key is made if there is none.`,
		Args:    exactly(),
		Example: "  citynode key identity\n  citynode key identity --network lab --json",
		RunE: func(*cobra.Command, []string) error {
			ids, err := identities(g.network)
			if err != nil {
				return err
			}
			return g.printIdentities(ids)
		},
	}
}

type identitiesJSON struct {
	Operator operatorJSON        `json:"operator"`
	Cities   []operator.Identity `json:"cities"`
}

type operatorJSON struct {
	Peer peer.ID `json:"peer"`
	Key  string  `json:"key"`
}

// identities returns those of this user on this machine.
func identities(network string) (identitiesJSON, error) {
	path, err := operator.KeyPath()
	if err != nil {
		return identitiesJSON{}, err
	}
	own, err := operatorPeer()
	if err != nil {
		return identitiesJSON{}, err
	}
	cities, err := operator.Identities(network)
	if err != nil {
		return identitiesJSON{}, err
	}
	return identitiesJSON{Operator: operatorJSON{Peer: own, Key: path}, Cities: cities}, nil
}

func (g *globals) printIdentities(ids identitiesJSON) error {
	if g.json {
		return g.printJSON(ids)
	}
	t := &table{head: []string{"WHO", "NETWORK", "PEER", "KEY"}}
	t.add("operator", "-", ids.Operator.Peer.String(), ids.Operator.Key)
	for _, c := range ids.Cities {
		t.add(c.City, c.Network, c.Peer.String(), c.Key)
	}
	return t.write(g.stdout)
}
