package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/operator"
	"github.com/citynode/citynode/internal/store"
)

// storeName is the folder of the store in a city's folder.
const storeName = "store"

// makeCityFolder returns the folder of a city, made if need be: the one that was
// named, or else the usual one.
func makeCityFolder(named, network, city string) (string, error) {
	if named == "" {
		dir, err := operator.CityFolder(network, city)
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
		if err != nil {
			return "", fmt.Errorf("make the city's folder: %w", err)
		}
		return dir, nil
	}
	dir, err := filepath.Abs(named)
	if err != nil {
		return "", fmt.Errorf("--data-dir %s: %w", named, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", folderError(fmt.Errorf("make --data-dir: %w", err))
	}
	return dir, nil
}

// lockCity takes the lock of a city's folder, or says which process has it.
func lockCity(folder, network, city string) (*operator.CityLock, error) {
	lock, err := operator.LockCity(folder)
	locked, ok := errors.AsType[*operator.LockedError](err)
	switch {
	case ok && locked.PID != 0:
		err = fmt.Errorf("city %s of network %s already runs on this machine (process %d)", city, network, locked.PID)
	case ok:
		err = fmt.Errorf("city %s of network %s already runs on this machine", city, network)
	case err != nil:
		return nil, fmt.Errorf("lock city %s: %w", city, err)
	default:
		return lock, nil
	}
	return nil, failf(exitRefused, "%w", err).withHint("stop it first, or choose another name")
}

// cityKey returns the key by which a city is known, made on first use. It is not
// made beside a store, which is that of another key.
func cityKey(cityFolder, city string) (crypto.PrivKey, error) {
	path := operator.IdentityPath(cityFolder)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if of, err := store.Whose(filepath.Join(cityFolder, storeName)); err == nil {
			return nil, withoutKey(failf(exitFailure, "the key %s is gone, and the store beside it is that of its peer %s", path, of.Peer), city)
		}
	}
	return operator.KeyFile(path)
}

// openStore opens the store in the folder of a city, and makes it where there is
// none.
func openStore(folder, network, city string, key crypto.PrivKey) (*store.Store, error) {
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	s, err := store.Open(filepath.Join(folder, storeName), store.Config{
		Identity: store.Identity{City: city, Network: network, Peer: id.String()},
		Now:      wallClock,
	})
	if err != nil {
		return nil, storeError(err)
	}
	return s, nil
}
