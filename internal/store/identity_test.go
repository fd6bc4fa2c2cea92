package store_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs"
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
