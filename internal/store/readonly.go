package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// readOnly is a disk on which nothing is changed, whether that could be or not: not a file
// is made, not even a lock. Pebble, told to only read, asks for nothing else than a lock;
// what else it asked for would fail.
type readOnly struct{ vfs.FS }

func refuseWrite(name string) error {
	return &fs.PathError{Op: "write", Path: name, Err: syscall.EROFS}
}

// Create fails.
func (readOnly) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, refuseWrite(name)
}

// OpenReadWrite fails.
func (readOnly) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, refuseWrite(name)
}

// ReuseForWrite fails.
func (readOnly) ReuseForWrite(_, to string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, refuseWrite(to)
}

// Link fails.
func (readOnly) Link(_, to string) error { return refuseWrite(to) }

// Rename fails.
func (readOnly) Rename(_, to string) error { return refuseWrite(to) }

// MkdirAll fails.
func (readOnly) MkdirAll(dir string, _ os.FileMode) error { return refuseWrite(dir) }

// Remove fails.
func (readOnly) Remove(name string) error { return refuseWrite(name) }

// RemoveAll fails.
func (readOnly) RemoveAll(name string) error { return refuseWrite(name) }

// Lock takes no lock: who may write has taken that of the real disk before.
func (readOnly) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Unwrap returns the disk; see the guard's.
func (r readOnly) Unwrap() vfs.FS { return r.FS }

// openToRead opens a database, and reads its logs into memory.
func openToRead(disk vfs.FS, database string) (*pebble.DB, error) {
	opts := options(newGuard(readOnly{disk}), tuning{memTableBytes: memTableBytes})
	opts.ReadOnly, opts.ErrorIfNotExists = true, true
	return openDB(database, opts)
}

// lockIfWritable takes the lock of a database. It returns nil where nothing can be written,
// and so nobody can have it.
func lockIfWritable(disk vfs.FS, database string) (*pebble.Lock, error) {
	lock, err := lockDatabase(disk, database)
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	return lock, err
}
