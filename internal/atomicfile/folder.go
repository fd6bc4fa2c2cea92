package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder makes a folder, and those above it that are missing, with the permissions
// perm less the umask. When it returns nil those that it made survive a crash, which
// may otherwise take a new folder with all that was synced in it. A folder that is
// there stays as it is.
func MakeFolder(path string, perm fs.FileMode) error {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	if _, err := os.Stat(path); err == nil {
		// Who made it may have ended before the sync. If the folder above cannot be
		// read, it cannot be synced: whoever arranged that has made this one.
		_ = SyncFolder(parent)
		return os.MkdirAll(path, perm) // says so if it is no folder
	}
	if parent != path {
		if err := MakeFolder(parent, perm); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncFolder(parent)
}
