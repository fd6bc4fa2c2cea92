package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/userfile"
	"github.com/citynode/citynode/protocol"
)

func newStates(g *globals) *cobra.Command {
	group := newGroup("state", "Look after the store of a city that does not run",
		newStateVerify(g), newStateExport(g), newStateImport(g), newStateReset(g))
	group.PersistentFlags().String("data-dir", "", "the city's folder, where run was given it too")
	return group
}

// A heldStore is the folder of a city that this command holds the lock of.
type heldStore struct {
	network, city string
	folder        string
	lock          *datadir.Lock
}

// holdStore takes the lock of the city's folder, which must be there.
func (g *globals) holdStore(cmd *cobra.Command, city string) (*heldStore, error) {
	if err := checkCity(city); err != nil {
		return nil, err
	}
	named, err := cmd.Flags().GetString("data-dir")
	if err != nil {
		return nil, err
	}
	h := &heldStore{network: cmp.Or(g.network, protocol.DefaultNetwork), city: city}
	if h.folder, err = cityFolder(named, h.network, city); err != nil {
		return nil, err
	}
	if _, err := os.Stat(h.storeFolder()); errors.Is(err, fs.ErrNotExist) {
		return nil, failf(exitNotFound, "city %s of network %s has no store in %s", city, h.network, h.folder).
			withHint("--network and --data-dir must be those that it was run with")
	}
	h.lock, err = lockFolder(h.folder, h.network, city)
	return h, err
}

func (h *heldStore) storeFolder() string { return datadir.StorePath(h.folder) }

func (h *heldStore) release() { h.lock.Release() }

// open opens the store as that of the city.
func (h *heldStore) open() (*store.Store, error) {
	key, err := userfile.ReadKey(datadir.KeyPath(h.folder))
	if err != nil {
		return nil, err
	}
	s, err := datadir.OpenStore(datadir.Config{
		Path:    h.folder,
		Network: h.network,
		City:    h.city,
	}, key)
	if err != nil {
		return nil, folderError(err)
	}
	return s, nil
}
