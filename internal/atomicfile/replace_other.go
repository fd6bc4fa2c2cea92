//go:build !windows

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

func replace(path string, data []byte, perm fs.FileMode) error {
	folder := filepath.Dir(path)
	// The temporary file goes into the folder itself: renameio would otherwise try
	// the system's folder for temporary files, which others can read.
	// renameio.WriteFile would keep the permissions of the old file.
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder), renameio.WithStaticPermissions(perm))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.CloseAtomicallyReplace()
	}
	if err != nil {
		return errors.Join(err, f.Cleanup())
	}
	return SyncFolder(folder)
}

// SyncFolder makes durable which files a folder has: a file that was made, linked or
// renamed in it may be gone after a crash otherwise. It does nothing where a folder
// cannot be synced.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	err = syncFile(folder)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil // the file system, such as a network share, cannot sync folders
	}
	return err
}
