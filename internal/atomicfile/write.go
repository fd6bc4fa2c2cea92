package atomicfile

import (
	"fmt"
	"io/fs"
)

// Write replaces the file at path by one that holds data and has exactly the
// permissions perm, whatever the umask. The folder must exist. The new file is
// written beside path, synced and renamed; then the folder is synced, because
// without that a crash may undo the rename. On Windows, where a folder cannot
// be synced, a crash may undo the rename.
//
// If Write returns an error, path holds the old file, or the new one if only the
// sync of the folder failed. Nothing else is left behind.
func Write(path string, data []byte, perm fs.FileMode) error {
	if err := replace(path, data, perm); err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	return nil
}
