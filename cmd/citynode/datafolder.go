package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/store"
)

// storeName is the folder of the store in a city's folder.
const storeName = "store"

// dataFolder is the folder of a city: the one that was named, made if need be, or
// else the usual one.
func dataFolder(named, network, city string) (string, error) {
	if named == "" {
		return cityFolder(network, city)
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

// storeError says what to do about a store that cannot be opened. Whose it is, and
// what is there, is in the error itself.
func storeError(err error) error {
	if foreign, ok := errors.AsType[*store.ForeignError](err); ok {
		if foreign.Have.City == foreign.Want.City && foreign.Have.Network == foreign.Want.Network {
			return withoutKey(failf(exitRefused, "%w", err), foreign.Have.City)
		}
		return failf(exitRefused, "%w", err).
			withHint("citynode run %s --network %s is its city; or choose another --data-dir", foreign.Have.City, foreign.Have.Network)
	}
	if corrupt, ok := errors.AsType[*store.CorruptError](err); ok {
		return failf(exitFailure, "%w", err).
			withHint("citynode state verify looks through all of %s; citynode state reset gives it up, and the other cities bring what they hold",
				filepath.Dir(corrupt.File))
	}
	return folderError(err)
}

// withoutKey says what to do about a store whose city's key is not there.
func withoutKey(e *exitError, city string) error {
	return e.withHint("put %s back from a copy; or citynode state reset %s gives the store up, and the other cities bring what they hold",
		identityKeyName, city)
}

// folderError says what to do about a city's folder that cannot be written to.
func folderError(err error) error {
	return writeError(err, "--data-dir")
}

// writeError says what to do where something cannot be written in a folder that
// the user chooses by a flag or a variable of the environment.
func writeError(err error, chosenBy string) error {
	if _, said := errors.AsType[*exitError](err); said || err == nil {
		return err
	}
	e := failf(exitFailure, "%w", err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return e.withHint("make room on the disk, or choose a folder on another one with %s", chosenBy)
	case errors.Is(err, syscall.EROFS):
		return e.withHint("the disk is read-only: make it writable, or choose a folder on another one with %s", chosenBy)
	case errors.Is(err, os.ErrPermission):
		return e.withHint("give the folder to this user, or choose one that this user can write to with %s", chosenBy)
	}
	return e
}
