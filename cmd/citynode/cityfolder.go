package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/operator"
	"github.com/citynode/citynode/internal/store"
)

// cityFolder returns the folder of a city: the one that was named, or else the usual
// one. It may not be there.
func cityFolder(named, network, city string) (string, error) {
	if named == "" {
		return operator.CityFolder(network, city)
	}
	dir, err := filepath.Abs(named)
	if err != nil {
		return "", fmt.Errorf("--data-dir %s: %w", named, err)
	}
	return dir, nil
}

// lockFolder takes the lock of a city's folder, or says which process has it.
func lockFolder(folder, network, city string) (*datadir.Lock, error) {
	lock, err := datadir.LockFolder(folder)
	if locked, ok := errors.AsType[*datadir.LockedError](err); ok {
		return nil, cityRuns(locked, network, city)
	}
	if err != nil {
		return nil, folderError(fmt.Errorf("lock city %s: %w", city, err))
	}
	return lock, nil
}

// cityRuns says that another process has the lock of the city's folder. A folder that
// was named may be that of another city.
func cityRuns(locked *datadir.LockedError, network, city string) error {
	if of, err := store.Whose(datadir.StorePath(locked.Folder)); err == nil && (of.City != city || of.Network != network) {
		return failf(exitRefused, "%w: city %s of network %s runs there", locked, of.City, of.Network).
			withHint("choose another --data-dir for city %s", city)
	}
	process := ""
	if locked.PID != 0 {
		process = fmt.Sprintf(" (process %d)", locked.PID)
	}
	return failf(exitRefused, "city %s of network %s already runs on this machine%s", city, network, process).
		withHint("stop it first, or choose another name")
}
