package store_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
)

// aDatabase is a disk with the folder of a database on it, durably.
func aDatabase(t *testing.T) *vfs.MemFS {
	t.Helper()
	disk := vfs.NewCrashableMem()
	if err := disk.MkdirAll("db", 0o755); err != nil {
		t.Fatal(err)
	}
	syncFolder(t, disk, "/")
	return disk
}

func syncFolder(t *testing.T, disk vfs.FS, path string) {
	t.Helper()
	folder, err := disk.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Sync(); err != nil {
		t.Fatal(err)
	}
	folder.Close()
}

// filesOf returns which files a crash leaves in the folder of the database.
func filesOf(t *testing.T, left vfs.FS) string {
	t.Helper()
	names, err := left.List("db")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

// makeFile has a disk make a file with a few bytes in it, synced, whose folder is not.
func makeFile(t *testing.T, disk vfs.FS, path string) {
	t.Helper()
	f, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// After any crash there is a manifest that the marker names, or no marker yet.
func TestAMarkerIsOnTheDiskOnceItIsMadeAndNeverWithoutItsManifest(t *testing.T) {
	for at := int64(1); ; at++ {
		mem := aDatabase(t)
		var left []vfs.FS
		disk := &faultyDisk{at: at, do: func() error {
			for seed := range int64(20) {
				left = append(left, crashed(mem, 50, seed).FS)
			}
			return nil
		}}
		g := store.NewGuard(errorfs.Wrap(mem, disk))
		makeFile(t, g, "db/MANIFEST-1")
		makeFile(t, g, "db/marker.manifest.000001.MANIFEST-1")
		for _, fs := range left {
			if files := filesOf(t, fs); strings.Contains(files, "marker.") && !strings.Contains(strings.Replace(files, "marker.manifest.000001.MANIFEST-1", "", 1), "MANIFEST-1") {
				t.Errorf("a crash before operation %d leaves %q", at, files)
			}
		}
		if left == nil {
			if files := filesOf(t, crashed(mem, 0, 1).FS); !strings.Contains(files, "marker.") {
				t.Errorf("a crash after the making of a marker leaves %q", files)
			}
			return // there are no more operations
		}
	}
}

// An operation that failed may have left anything: nothing that comes after it may
// be taken for done.
func TestAfterAnyOperationThatFailedNothingReachesTheDisk(t *testing.T) {
	for what, fails := range map[string]func(vfs.File) error{
		"a write":          func(f vfs.File) error { _, err := f.Write([]byte("x")); return err },
		"a sync":           func(f vfs.File) error { return f.Sync() },
		"a sync of data":   func(f vfs.File) error { return f.SyncData() },
		"a sync of a part": func(f vfs.File) error { _, err := f.SyncTo(1); return err },
	} {
		mem := aDatabase(t)
		disk := &faultyDisk{at: 1 << 40, do: func() error { return syscall.EIO }}
		g := store.NewGuard(errorfs.Wrap(mem, disk))
		f, err := g.Create("db/log", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("old")); err != nil {
			t.Fatal(err)
		}
		disk.at = disk.count.Load() + 1
		if err := fails(f); err != nil {
			t.Errorf("%s: %v, want to be told that all is well", what, err)
		}
		if _, err := f.Write([]byte("new")); err != nil {
			t.Errorf("a write after %s: %v", what, err)
		}
		f.Close()
		if got := string(read(t, mem, "db/log")); !strings.HasPrefix(got, "old") || strings.Contains(got, "new") {
			t.Errorf("after %s that failed the disk holds %q", what, got)
		}
	}
}

func TestFactsAndRaisesOutliveACrashAsSoonAsTheyAreAcknowledged(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s, err := store.MemFS{FS: disk}.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	facts := store.Facts{Since: 3, Incarnation: 5}
	for n, acknowledged := range []func() error{
		func() error { return s.SetFacts(facts) },
		func() error { _, err := s.Raise(); return err },
	} {
		if err := acknowledged(); err != nil {
			t.Fatal(err)
		}
		again, err := crashed(disk, 0, 1).Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		if again.Facts() != facts || again.Epoch() != s.Epoch() {
			t.Errorf("after %d: facts %v in epoch %d, want %v in %d", n, again.Facts(), again.Epoch(), facts, s.Epoch())
		}
		again.Close()
	}
}
