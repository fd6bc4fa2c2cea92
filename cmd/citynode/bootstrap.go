package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/internal/operator"
)

// bootstrapFileName is the list of peers in the configuration folder.
const bootstrapFileName = "bootstrap"

func newBootstrap(g *globals) *cobra.Command {
	return newGroup("bootstrap", "Keep the list of peers that every run of this user joins",
		newBootstrapList(g), newBootstrapAdd(g), newBootstrapRemove(g))
}

// bootstrapPath is the file that the commands edit and that run reads.
func bootstrapPath() (string, error) {
	dir, err := operator.ConfigFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, bootstrapFileName), nil
}

// bootstrapList returns the peers on the list; no file is an empty list.
func bootstrapList() ([]ma.Multiaddr, error) {
	path, err := bootstrapPath()
	if err != nil {
		return nil, err
	}
	addrs, err := bootstrap.ReadPeersFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return addrs, err
}

func newBootstrapList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Print the list",
		Args:    exactly(),
		Example: "  citynode bootstrap list\n  citynode bootstrap list --json",
		RunE: func(*cobra.Command, []string) error {
			addrs, err := bootstrapList()
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
	for _, text := range texts {
		if err := g.printf("%s\n", text); err != nil {
			return err
		}
	}
	return nil
}

func newBootstrapAdd(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "add MULTIADDR",
		Short: "Add a peer to the list",
		Args:  exactly("MULTIADDR"),
		Example: "  citynode bootstrap add /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…\n" +
			"  citynode bootstrap add /dnsaddr/cities.example.org",
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := bootstrapPath()
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

func newBootstrapRemove(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "remove MULTIADDR|PEERID",
		Short: "Remove an address, or all of a peer, from the list",
		Args:  exactly("MULTIADDR or PEERID"),
		Example: "  citynode bootstrap remove /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…\n" +
			"  citynode bootstrap remove 12D3Koo…",
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := bootstrapPath()
			if err != nil {
				return err
			}
			removed, err := bootstrap.RemovePeerFromFile(path, args[0])
			if err != nil {
				return listError(err)
			}
			if removed == 0 {
				return failf(exitNotFound, "the list does not have %s", args[0]).
					withHint("see it with citynode bootstrap list")
			}
			if g.json {
				return g.printJSON(map[string]int{"removed": removed})
			}
			return nil
		},
	}
}

// listError tells what a person gave from what the file system did.
func listError(err error) error {
	if _, ok := errors.AsType[*bootstrap.ItemError](err); ok {
		return usagef("%w", err)
	}
	return writeError(fmt.Errorf("edit the list: %w", err), operator.EnvConfigHome)
}
