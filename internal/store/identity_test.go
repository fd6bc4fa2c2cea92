package store_test

import (
	"errors"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// as returns whether err is a T.
func as[T error](err error) bool { _, ok := errors.AsType[T](err); return ok }

func TestAFolderThatIsNoStoreOfOursIsLeftAlone(t *testing.T) {
	ours, _, _ := aFolder(t, 1, true)
	identity := contents(t, ours.FS)[store.CityDir+"/identity"]
	for _, c := range []struct {
		name, file, text string
		want             func(error) bool
	}{
		{"foreign files", "notes.txt", "dear diary", as[*store.NotStoreError]},
		{"an empty foreign file", "notes.txt", "", as[*store.NotStoreError]},
		{"an empty identity", "identity", "", as[*store.CorruptError]},
		{"half an identity", "identity", identity[:40], as[*store.CorruptError]},
		{"an identity with a wrong byte", "identity", strings.Replace(identity, "metro", "retro", 1), as[*store.CorruptError]},
		{"a newer format", "identity", "citynode store\nformat 2\nwhat will be\n", as[*store.NewerError]},
		{"an identity without a database", "identity", identity, as[*store.CorruptError]},
		{"half a creation of another", "identity.new", strings.Replace(identity, "metro", "retro", 1)[:40], as[*store.HalfCreatedError]},
		{"a creation with a wrong byte", "identity.new", identity[:len(identity)-2] + "x\n", as[*store.HalfCreatedError]},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := store.MemFS{FS: vfs.NewMem()}
			if err := f.MkdirAll(store.CityDir, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, f.FS, store.CityDir+"/"+c.file, []byte(c.text))
			was := contents(t, f.FS)
			_, err := f.Open(storetest.Config())
			if !c.want(err) {
				t.Errorf("open: %v", err)
			}
			if now := contents(t, f.FS); !maps.Equal(now, was) {
				t.Errorf("the folder has %v, had %v", now, was)
			}
		})
	}
}

func TestAnEmptyFolderBecomesAStore(t *testing.T) {
	f := store.MemFS{FS: vfs.NewMem()}
	if err := f.MkdirAll(store.CityDir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := f.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestACreationThatWasCutOffInItsFirstFileBeginsAnew(t *testing.T) {
	ours, _, _ := aFolder(t, 1, true)
	identity := contents(t, ours.FS)[store.CityDir+"/identity"]
	for cut := range identity {
		f := store.MemFS{FS: vfs.NewMem()}
		if err := f.MkdirAll(store.CityDir, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, f.FS, store.CityDir+"/identity.new", []byte(identity[:cut]))
		s, err := f.Open(storetest.Config())
		if err != nil {
			t.Fatalf("cut at %d of %d: %v", cut, len(identity), err)
		}
		s.Close()
	}
}

func TestACreationThatWasCutOffBeginsAnew(t *testing.T) {
	f, _, _ := aFolder(t, 1, true)
	if err := f.Rename(store.CityDir+"/identity", store.CityDir+"/identity.new"); err != nil {
		t.Fatal(err)
	}
	cfg := storetest.Config()
	cfg.Identity.City = "gotham"
	if _, err := f.Open(cfg); !as[*store.ForeignError](err) {
		t.Errorf("another city: %v", err)
	}
	s, err := f.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := storetest.Load(t, s); !got.Equal(storetest.NewContents()) {
		t.Errorf("it holds %v", got)
	}
}

// crashed returns what a crash leaves of a disk, with a part of what was not synced.
func crashed(disk *vfs.MemFS, percent int, seed int64) store.MemFS {
	return store.MemFS{FS: disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: seeded(seed)})}
}

func TestWhatIsAcknowledgedRightAfterTheCreationOutlivesACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s, err := store.MemFS{FS: disk}.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want, b := storetest.NewContents(), batch(0, 3)
	b.Epoch = s.Epoch()
	if err := s.Commit(b); err != nil {
		t.Fatal(err)
	}
	want.Apply(b)
	again, err := crashed(disk, 0, 1).Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := storetest.Load(t, again); !got.Equal(want) {
		t.Errorf("it holds %v", got)
	}
}

// The machine crashes before each operation of a creation. Whatever is on the disk
// then is nobody's data, so the next start makes a store of it.
func TestACreationThatCrashedAnywhereBeginsAnew(t *testing.T) {
	for at := int64(1); ; at++ {
		mem := vfs.NewCrashableMem()
		var left []store.MemFS
		disk := &faultyDisk{at: at, do: func() error {
			for _, percent := range []int{0, 100, 50, 50, 50, 50, 50, 50} {
				left = append(left, crashed(mem, percent, at*101+int64(len(left))))
			}
			return nil
		}}
		s, err := store.MemFS{FS: errorfs.Wrap(mem, disk)}.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if left == nil {
			return // it took fewer operations
		}
		for n, place := range left {
			again, err := place.Open(storetest.Config())
			if as[*store.HalfCreatedError](err) {
				continue // its first file was torn, which a person is told
			}
			if err != nil {
				t.Errorf("crash before operation %d, the %d. way: %v", at, n, err)
				continue
			}
			again.Close()
		}
	}
}

// markedManifests looks, before each marker is made, whether the manifest that it names
// would outlive a crash.
type markedManifests struct {
	t      *testing.T
	disk   *vfs.MemFS
	looked int
}

func (m *markedManifests) MaybeError(o errorfs.Op) error {
	_, manifest, isMarker := strings.Cut(path.Base(o.Path), "marker.manifest.")
	if o.Kind != errorfs.OpCreate || !isMarker {
		return nil
	}
	m.looked++
	_, manifest, _ = strings.Cut(manifest, ".") // behind the marker's own number
	if _, err := crashed(m.disk, 0, 1).Stat(path.Join(path.Dir(o.Path), manifest)); err != nil {
		m.t.Errorf("%s is made: %v", o.Path, err)
	}
	return nil
}

func (m *markedManifests) String() string { return "disk that looks for manifests" }

func TestAMarkerIsOfAManifestThatOutlivesACrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	looks := &markedManifests{t: t, disk: mem}
	for range 2 { // the second start makes a manifest of its own
		s, err := store.MemFS{FS: errorfs.Wrap(mem, looks)}.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	if looks.looked < 2 {
		t.Errorf("%d markers were made, want one a start", looks.looked)
	}
}
