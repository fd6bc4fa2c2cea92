//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// unmountTimeout is far beyond what an unmount takes.
const unmountTimeout = 10 * time.Second

// Mount serves the disk at a folder until the test ends. It calls [Need]. What still
// uses the disk then gets errors. Processes in other mount namespaces see
// the disk if they begin after Mount.
func (d *Disk) Mount(t testing.TB, path string) {
	t.Helper()
	Need(t)
	server, err := d.serve(path)
	if err != nil {
		t.Fatalf("lossyfs: mount %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := unmount(server, path); err != nil {
			t.Errorf("lossyfs: unmount %s: %v", path, err)
		}
	})
}

// serve mounts the disk and serves it until it is unmounted. The kernel asks for a name
// each time that it is used, since a cut gives names to other inodes: all timeouts are
// zero.
func (d *Disk) serve(path string) (*fuse.Server, error) {
	return fs.Mount(path, &node{disk: d, inode: d.root}, &fs.Options{
		RootStableAttr: &fs.StableAttr{Ino: d.root.number},
		MountOptions: fuse.MountOptions{
			Name: "lossyfs", FsName: "lossyfs",
			DirectMountStrict: true, // as root; there may be no fusermount
			DisableXAttrs:     true,
		},
	})
}

// unmount takes the disk away, and waits for the server to end.
func unmount(server *fuse.Server, path string) error {
	aborted := abort(path)
	if err := errors.Join(aborted, unix.Unmount(path, unix.MNT_DETACH)); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		server.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-time.After(unmountTimeout):
		return fmt.Errorf("it is served still after %v", unmountTimeout)
	}
}

// abort has the kernel ask nothing more of the server. Otherwise the server would have
// to go on until all processes have ended that see the disk, and those on hosts of
// other tests see it too.
func abort(path string) error {
	var about unix.Stat_t
	if err := unix.Stat(path, &about); err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	control, err := os.MkdirTemp("", "fusectl-")
	if err != nil {
		return err
	}
	defer os.Remove(control)
	if err := unix.Mount("fusectl", control, "fusectl", 0, ""); err != nil {
		return fmt.Errorf("mount fusectl: %w", err)
	}
	connection := strconv.FormatUint(uint64(unix.Minor(about.Dev)), 10)
	err = os.WriteFile(filepath.Join(control, connection, "abort"), []byte("1"), 0)
	return errors.Join(err, unix.Unmount(control, unix.MNT_DETACH))
}
