package main

import (
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/bootstrap"
)

func newBootstrapAdd(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "add MULTIADDR",
		Short: "Add a peer to the list of --network",
		Args:  exactly("MULTIADDR"),
		Example: "  citynode bootstrap add /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…\n" +
			"  citynode bootstrap add /dnsaddr/cities.example.org --network lab",
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := bootstrapPath(g.network)
			if err != nil {
				return err
			}
			added, err := bootstrap.AppendPeerToFile(path, args[0])
			if err != nil {
				return listError(err)
			}
			if g.json {
				return g.printJSON(map[string]bool{"added": added})
			}
			if !added {
				g.notef("the list has it already")
			}
			return nil
		},
	}
}
