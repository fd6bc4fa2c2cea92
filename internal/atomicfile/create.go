package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// createBufferBytes is how much of a file that is made is written at once.
const createBufferBytes = 256 << 10

// Create makes a file of any size that has what write writes, and has exactly the
// permissions perm. The file has its name once it is whole and synced, and never before; a
// file that has the name already is left as it is, and the error matches fs.ErrExist then,
// if it was there at the start before write is called. The folder must exist, and is synced
// in the end.
//
// If Create returns an error there is no such file, or a whole one if only the sync of
// the folder failed. A crash may leave a file beside it whose name begins with a dot.
func Create(path string, perm fs.FileMode, write func(io.Writer) error) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("make file: %w", &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist})
	}
	if err := create(path, perm, write); err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	return nil
}

func create(path string, perm fs.FileMode, write func(io.Writer) error) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	buffered := bufio.NewWriterSize(f, createBufferBytes)
	if err = write(buffered); err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = syncFile(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := giveName(f.Name(), path); err != nil {
		return err
	}
	return SyncFolder(folder)
}

// giveName gives a file its name, unless another file has that. A link, unlike a rename,
// replaces nothing; where a file system has no links the last look has to do.
func giveName(from, path string) error {
	err := os.Link(from, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return os.Rename(from, path)
}
