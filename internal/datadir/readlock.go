package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/citynode/citynode/internal/userfile"
)

// LockToRead keeps nodes from using a folder that is only read, and changes nothing where
// the folder cannot be written to: there it shares the lock file that it finds, if there is
// one, with others that read. writable reports which of the two it did. The error is a
// *[LockedError] if a node has the lock.
func LockToRead(folder string) (lock *Lock, writable bool, err error) {
	lock, err = LockFolder(folder)
	if !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
		return lock, err == nil, err
	}
	path := filepath.Join(folder, LockName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return &Lock{}, false, nil // no node can have it, or another user's has
	}
	if err != nil {
		return nil, false, err
	}
	free, err := userfile.TryLock(f, true)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return &Lock{file: f}, false, nil // a file system without locks, which no node runs on
	case err != nil:
		f.Close()
		return nil, false, fmt.Errorf("take %s: %w", path, err)
	case !free:
		defer f.Close()
		return nil, false, &LockedError{Folder: folder, PID: holderOf(f)}
	}
	return &Lock{file: f}, false, nil
}
