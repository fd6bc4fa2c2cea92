package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/store"
)

// folderError says what to do about a city's folder that cannot be used. Whose it is,
// and what is there, is in the error itself.
func folderError(err error) error {
	if lost, ok := errors.AsType[*datadir.LostKeyError](err); ok {
		return withoutKey(failf(exitFailure, "%w", err), lost.City)
	}
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
	return writeError(err, "--data-dir")
}

// withoutKey says what to do about a store whose city's key is not there.
func withoutKey(e *exitError, city string) error {
	return e.withHint("put %s back from a copy; or citynode state reset %s gives the store up, and the other cities bring what they hold",
		datadir.KeyName, city)
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
