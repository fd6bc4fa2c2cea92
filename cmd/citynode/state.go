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
	group := newGroup("state", "Back up a city, restore it, check its store",
		newStateExport(g), newStateImport(g), newStateVerify(g), newStateReset(g))
	group.PersistentFlags().String("data-dir", "", "the city's folder, where run was given it too")
	return group
}

// A heldStore is the folder of a city that this command holds the lock of.
type heldStore struct {
	network, city string
	folder        string
	lock          *datadir.Lock
}

// theFolder returns the folder of a city, which is not locked yet, and may not be there.
func (g *globals) theFolder(cmd *cobra.Command, city string) (*heldStore, error) {
	if err := checkCity(city); err != nil {
		return nil, err
	}
	named, err := cmd.Flags().GetString("data-dir")
	if err != nil {
		return nil, err
	}
	h := &heldStore{network: cmp.Or(g.network, protocol.DefaultNetwork), city: city}
	h.folder, err = cityFolder(named, h.network, city)
	return h, err
}

// holdStore takes the lock of the city's folder, which must be there.
func (g *globals) holdStore(cmd *cobra.Command, city string) (*heldStore, error) {
	h, err := g.theFolder(cmd, city)
	if err != nil {
		return nil, err
	}
	if err := h.mustBeThere(); err != nil {
		return nil, err
	}
	h.lock, err = lockFolder(h.folder, h.network, city)
	return h, err
}

// holdToRead does what holdStore does for a command that changes nothing, so that the
// folder need not be one that can be written to.
func (g *globals) holdToRead(cmd *cobra.Command, city string) (*heldStore, error) {
	h, err := g.theFolder(cmd, city)
	if err != nil {
		return nil, err
	}
	if err := h.mustBeThere(); err != nil {
		return nil, err
	}
	lock, writable, err := datadir.LockToRead(h.folder)
	if locked, ok := errors.AsType[*datadir.LockedError](err); ok {
		return nil, cityRuns(locked, h.network, city)
	}
	if err != nil {
		return nil, folderError(err)
	}
	if !writable {
		g.notef("%s cannot be written to: it is read as it is, without a lock", h.folder)
	}
	h.lock = lock
	return h, nil
}

// mustBeThere fails if the folder has no store.
func (h *heldStore) mustBeThere() error {
	if h.hasStore() {
		return nil
	}
	return failf(exitNotFound, "city %s of network %s has no store in %s", h.city, h.network, h.folder).
		withHint("--network and --data-dir must be those that it was run with")
}

func (h *heldStore) hasStore() bool {
	_, err := os.Stat(h.storeFolder())
	return !errors.Is(err, fs.ErrNotExist)
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

// openReader opens the store for reading. It must be that of the city.
func (h *heldStore) openReader() (*store.Reader, error) {
	r, err := store.OpenReader(h.storeFolder())
	if err != nil {
		return nil, folderError(err)
	}
	have := r.Identity()
	if want := (store.Identity{City: h.city, Network: h.network, Peer: have.Peer}); have != want {
		return nil, errors.Join(folderError(&store.ForeignError{Dir: h.storeFolder(), Have: have, Want: want}), r.Close())
	}
	return r, nil
}
