package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// syncFile makes durable what a file or a folder holds. Tests listen to it, for
// nothing else shows whether it was called.
var syncFile = (*os.File).Sync

// writeAndRename replaces the file at path where renameio has no code, that is
// on Windows: os.Rename replaces an existing file there too. It is built for all
// systems so that the tests run it on each.
func writeAndRename(path string, data []byte, perm fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = syncFile(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
