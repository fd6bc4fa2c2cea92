package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder makes a folder, and those above it that are missing, with the
// permissions perm less the umask. After it has returned nil for a folder that was
// missing, the folder survives a crash of the machine; what is synced in it later
// would be gone with it otherwise. Where the folder above cannot be read, it cannot
// be synced, and a crash may undo the making.
func MakeFolder(path string, perm fs.FileMode) error {
	path = filepath.Clean(path)
	if isFolder(path) {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MakeFolder(parent, perm); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, perm); err != nil && !isFolder(path) { // another process may have been first
		return err
	}
	if err := SyncFolder(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("sync %s: %w", parent, err)
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
