package store_test

import (
	"testing"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// dir is a place on the disk.
type dir string

func (d dir) Open(cfg store.Config) (*store.Store, error) { return store.Open(string(d), cfg) }

func TestMemoryIsAStore(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Place { return &store.Memory{} })
}

func TestAFolderIsAStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Place { return store.MemFS{FS: vfs.NewMem()} })
}

func TestAFolderOnTheDiskIsAStore(t *testing.T) {
	p := dir(t.TempDir())
	s, err := p.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetFacts(store.Facts{Since: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = p.Open(storetest.Config()); err != nil || s.Facts().Since != 1 {
		t.Fatal(s, err)
	}
	if _, err := p.Open(storetest.Config()); !as[*store.LockedError](err) {
		t.Errorf("opened twice: %v", err)
	}
	s.Close()
}
