package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard is a file system that lets nothing through to the disk after the first
// operation that failed there, and tells its user that all went well; doc.go says
// why. Reading is not its affair.
type guard struct {
	vfs.FS
	once   sync.Once
	cause  atomic.Pointer[DownError]
	failed chan struct{} // closed after cause is set
	// logSynced is told after each sync of a log what of it is durable, unless it is nil.
	// It is set before any log is made that it is to hear of.
	logSynced func(logPrefix)
}

func newGuard(disk vfs.FS) *guard { return &guard{FS: disk, failed: make(chan struct{})} }

// fail closes the guard; only the first cause counts.
func (g *guard) fail(err error) {
	g.once.Do(func() {
		g.cause.Store(&DownError{Err: err})
		close(g.failed)
	})
}

// err returns why the guard closed; nil until then.
func (g *guard) err() error {
	if down := g.cause.Load(); down != nil {
		return down
	}
	return nil
}

// do does what changes the disk, if the guard is open. What began before the failure may
// still reach the disk, as it might have before a crash.
func (g *guard) do(what, path string, f func() error) {
	if g.err() != nil {
		return
	}
	err := f()
	if err != nil && !strings.Contains(err.Error(), path) { // the operating system names it as well
		err = fmt.Errorf("%s %s: %w", what, path, err)
	}
	if err != nil {
		g.fail(err)
	}
}

// file guards a file that is opened to be written. After a failure the file is nowhere:
// Pebble writes to it, and nothing comes of it.
func (g *guard) file(what, path string, open func() (vfs.File, error)) (vfs.File, error) {
	f := &guardedFile{File: nowhere{path}, g: g, path: path}
	g.do(what, path, func() error {
		real, err := open()
		if err == nil {
			f.File = real
		}
		return err
	})
	if number, is := logNumber(g.PathBase(path)); is {
		return &guardedLog{guardedFile: f, written: logPrefix{log: number}}, nil
	}
	return f, nil
}

// preallocatePart is what part of the free room is preallocated at most: a log of
// 35 MiB, where 140 are free.
const preallocatePart = 4

// markerPrefix begins the names of the files with which Pebble says which manifest
// counts.
const markerPrefix = "marker."

// Create does what vfs.FS.Create does, guarded. Pebble makes a manifest, makes the marker that
// names it, removes the marker before, and only then syncs the folder, so that after
// a crash there may be a marker without its manifest, or none at all; the guard
// syncs before and after the making of a marker.
func (g *guard) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	marker := strings.HasPrefix(g.PathBase(name), markerPrefix)
	return g.file("create", name, func() (f vfs.File, err error) {
		if marker {
			err = syncDir(g.FS, g.PathDir(name))
		}
		if err == nil {
			f, err = g.FS.Create(name, c)
		}
		if err == nil && marker {
			if err = syncDir(g.FS, g.PathDir(name)); err != nil {
				_ = f.Close()
			}
		}
		return f, err
	})
}

// OpenReadWrite does what vfs.FS.OpenReadWrite does, guarded.
func (g *guard) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.file("open", name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, c, opts...) })
}

// ReuseForWrite does what vfs.FS.ReuseForWrite does, guarded.
func (g *guard) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file("reuse", to, func() (vfs.File, error) { return g.FS.ReuseForWrite(from, to, c) })
}

// OpenDir does what vfs.FS.OpenDir does. The sync of the folder is guarded. A folder is
// opened to be read or synced, so opening it changes nothing on the disk.
func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardedFile{File: f, g: g, path: name}, nil
}

// Link does what vfs.FS.Link does, guarded.
func (g *guard) Link(from, to string) error {
	g.do("link", to, func() error { return g.FS.Link(from, to) })
	return nil
}

// Rename does what vfs.FS.Rename does, guarded.
func (g *guard) Rename(from, to string) error {
	g.do("rename", to, func() error { return g.FS.Rename(from, to) })
	return nil
}

// MkdirAll does what vfs.FS.MkdirAll does, guarded.
func (g *guard) MkdirAll(dir string, perm os.FileMode) error {
	g.do("make folder", dir, func() error { return g.FS.MkdirAll(dir, perm) })
	return nil
}

// Remove does what vfs.FS.Remove does, guarded; that there is nothing to remove is no failure
// of the disk.
func (g *guard) Remove(name string) (err error) {
	g.do("remove", name, func() error {
		err = g.FS.Remove(name)
		// Pebble removes what may be there, and has to hear that it was not.
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		failed := err
		err = nil
		return failed
	})
	return err
}

// RemoveAll does what vfs.FS.RemoveAll does, guarded.
func (g *guard) RemoveAll(name string) error {
	g.do("remove", name, func() error { return g.FS.RemoveAll(name) })
	return nil
}

// Unwrap returns the disk. vfs.FS asks for it: Pebble looks for features of the real
// file system beneath.
func (g *guard) Unwrap() vfs.FS { return g.FS }

// guardedFile is a file behind a guard. Its methods have the results of a write that
// went well, whatever becomes of it.
type guardedFile struct {
	vfs.File
	g    *guard
	path string
}

func (f *guardedFile) Write(p []byte) (int, error) {
	f.g.do("write", f.path, func() error { _, err := f.File.Write(p); return err })
	return len(p), nil
}

func (f *guardedFile) WriteAt(p []byte, at int64) (int, error) {
	f.g.do("write", f.path, func() error { _, err := f.File.WriteAt(p, at); return err })
	return len(p), nil
}

func (f *guardedFile) Sync() error {
	f.g.do("sync", f.path, f.File.Sync)
	return nil
}

func (f *guardedFile) SyncData() error {
	f.g.do("sync", f.path, f.File.SyncData)
	return nil
}

func (f *guardedFile) SyncTo(n int64) (full bool, _ error) {
	f.g.do("sync", f.path, func() (err error) { full, err = f.File.SyncTo(n); return err })
	return full, nil
}

// Preallocate does nothing on a disk that is nearly full: what a log may need
// later is not to be taken from what is written now. It does not matter if it
// fails: the write that needs the room will.
func (f *guardedFile) Preallocate(at, n int64) error {
	if f.g.err() == nil && f.roomFor(n) {
		_ = f.File.Preallocate(at, n)
	}
	return nil
}

// roomFor reports whether n bytes are at most one part in preallocatePart of what is
// free, or nobody knows how much that is.
func (f *guardedFile) roomFor(n int64) bool {
	usage, err := f.g.FS.GetDiskUsage(f.path)
	return err != nil || usage.AvailBytes/preallocatePart >= uint64(n)
}

// Close closes the real file in any case. Also a guard that has closed must not leak
// descriptors: Resume opens the same files anew.
func (f *guardedFile) Close() error {
	if err := f.File.Close(); err != nil {
		f.g.do("close", f.path, func() error { return err })
	}
	return nil
}

// Stat never fails either: Pebble asks for the size of a log that it uses again. A file
// whose size cannot be read closes the guard and counts as empty.
func (f *guardedFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		f.g.do("stat", f.path, func() error { return err })
		return emptyInfo{name: f.path}, nil
	}
	return info, nil
}

// nowhere is a file that could not be made: it takes all that is written. To read from it
// fails, for whatever it returned would be taken for what Pebble wrote.
type nowhere struct{ path string }

func (nowhere) Write(p []byte) (int, error)            { return len(p), nil }
func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (f nowhere) Read([]byte) (int, error)             { return 0, f.err() }
func (f nowhere) ReadAt([]byte, int64) (int, error)    { return 0, f.err() }
func (f nowhere) Stat() (vfs.FileInfo, error)          { return nil, f.err() }
func (nowhere) Close() error                           { return nil }
func (nowhere) Sync() error                            { return nil }
func (nowhere) SyncData() error                        { return nil }
func (nowhere) SyncTo(int64) (bool, error)             { return false, nil }
func (nowhere) Preallocate(int64, int64) error         { return nil }
func (nowhere) Prefetch(int64, int64) error            { return nil }
func (nowhere) Fd() uintptr                            { return vfs.InvalidFd }
func (f nowhere) err() error                           { return fmt.Errorf("read %s: %w", f.path, fs.ErrNotExist) }

// emptyInfo is about a file that has nothing in it. It is only for a guard that has
// closed, where what Pebble makes of it does no harm.
type emptyInfo struct{ name string }

func (i emptyInfo) Name() string         { return i.name }
func (emptyInfo) Size() int64            { return 0 }
func (emptyInfo) Mode() fs.FileMode      { return 0o644 }
func (emptyInfo) ModTime() time.Time     { return time.Time{} }
func (emptyInfo) IsDir() bool            { return false }
func (emptyInfo) Sys() any               { return nil }
func (emptyInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
