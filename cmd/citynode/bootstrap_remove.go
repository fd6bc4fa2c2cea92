package main

import (
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/bootstrap"
)

func newBootstrapRemove(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "remove MULTIADDR|PEERID",
		Short: "Remove an address, or all of a peer, from the list of --network",
		Args:  exactly("MULTIADDR or PEERID"),
		Example: "  citynode bootstrap remove /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…\n" +
			"  citynode bootstrap remove 12D3Koo…",
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := bootstrapPath(g.network)
			if err != nil {
				return err
			}
			removed, err := bootstrap.RemovePeerFromFile(path, args[0])
			if err != nil {
				return listError(err)
			}
			if removed == 0 {
				return failf(exitNotFound, "the list does not have %s", args[0]).
					withHint("see it with %s", g.command("bootstrap list"))
			}
			if g.json {
				return g.printJSON(map[string]int{"removed": removed})
			}
			return nil
		},
	}
}
