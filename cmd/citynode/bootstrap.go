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
	"github.com/citynode/citynode/protocol"
)

// bootstrapFileName is the list of peers of the default network in the configuration folder.
// That of another network has a dot and the network's name behind it; no network's name has a
// dot.
const bootstrapFileName = "bootstrap"

func newBootstrap(g *globals) *cobra.Command {
	return newGroup("bootstrap", "Keep the peers that every run of this user joins, a list for each network",
		newBootstrapList(g), newBootstrapAdd(g), newBootstrapRemove(g))
}

// bootstrapPath returns the file that the commands edit and that a run on this network
// reads: a peer of one network is of no use to another. "" is the default network.
func bootstrapPath(network string) (string, error) {
	dir, err := operator.ConfigFolder()
	if err != nil {
		return "", err
	}
	if network == "" || network == protocol.DefaultNetwork {
		return filepath.Join(dir, bootstrapFileName), nil
	}
	return filepath.Join(dir, bootstrapFileName+"."+network), nil
}

// bootstrapList returns the peers on the list of a network; no file is an empty list.
func bootstrapList(network string) ([]ma.Multiaddr, error) {
	path, err := bootstrapPath(network)
	if err != nil {
		return nil, err
	}
	addrs, err := bootstrap.ReadPeersFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return addrs, err
}

// listError tells what a person gave from what the file system did.
func listError(err error) error {
	if _, ok := errors.AsType[*bootstrap.ItemError](err); ok {
		return usagef("%w", err)
	}
	return writeError(fmt.Errorf("edit the list: %w", err), operator.ChosenBy(operator.EnvConfigHome))
}
