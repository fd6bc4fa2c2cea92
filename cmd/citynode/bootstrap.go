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

// bootstrapPath returns the file that the commands edit and that run reads.
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

// listError tells what a person gave from what the file system did.
func listError(err error) error {
	if _, ok := errors.AsType[*bootstrap.ItemError](err); ok {
		return usagef("%w", err)
	}
	return writeError(fmt.Errorf("edit the list: %w", err), operator.ChosenBy(operator.EnvConfigHome))
}
