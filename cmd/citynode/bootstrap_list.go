package main

import (
	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"
)

func newBootstrapList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Print the list of --network",
		Args:    exactly(),
		Example: "  citynode bootstrap list\n  citynode bootstrap list --network lab --json",
		RunE: func(*cobra.Command, []string) error {
			addrs, err := bootstrapList(g.network)
			if printErr := g.printAddrs(addrs); printErr != nil {
				return printErr
			}
			if err != nil { // the good lines are printed all the same
				return failf(exitFailure, "%w", err).withHint("correct or remove these lines")
			}
			return nil
		},
	}
}

func (g *globals) printAddrs(addrs []ma.Multiaddr) error {
	texts := make([]string, 0, len(addrs))
	for _, addr := range addrs {
		texts = append(texts, addr.String())
	}
	if g.json {
		return g.printJSON(texts)
	}
	if len(texts) == 0 {
		g.notef("no peers")
	}
	for _, text := range texts {
		if err := g.printf("%s\n", text); err != nil {
			return err
		}
	}
	return nil
}
