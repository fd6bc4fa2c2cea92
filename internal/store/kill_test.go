package store_test

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
)

// The store that tests use in place of the disk loses what the disk loses.
func TestMemoryForgetsAtAKill(t *testing.T) {
	storetest.RunKills(t, func(testing.TB) storetest.KillablePlace { return &store.Memory{} })
}

func TestAFolderForgetsAtAKill(t *testing.T) {
	storetest.RunKills(t, func(testing.TB) storetest.KillablePlace { return storetest.NewDisk(0, 1) })
}

// hero is a batch of the first epoch with one hero.
func hero(n int, lazy bool) store.Batch {
	return store.Batch{Epoch: 1, Entries: crdt.Entries{Heroes: []crdt.Hero{storetest.Hero(n, 1)}}, Lazy: lazy}
}

// The first write that fails takes with it what was not synced before it, and nothing
// can be read until the store works again.
func TestMemoryForgetsAtAFailure(t *testing.T) {
	var place store.Memory
	s, err := place.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Commit(hero(1, false)), s.Commit(hero(2, true))); err != nil {
		t.Fatal(err)
	}
	place.Fail(syscall.EIO)
	if err := s.Commit(hero(3, false)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("commit: %v", err)
	}
	if err := s.Load(t.Context(), func(store.Part) error { return nil }); !as[*store.DownError](err) {
		t.Errorf("load while down: %v", err)
	}
	place.Fail(nil)
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	want := storetest.NewContents()
	want.Apply(hero(1, false))
	if got := storetest.Load(t, s); !got.Equal(want) {
		t.Errorf("it holds %v, want %v", got, want)
	}
}

// What is written shows before it is durable, and a kill while the disk hangs takes it.
func TestMemoryShowsWhatItsDiskHasNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		s, err := place.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		goOn := place.Stall()
		ended := make(chan error, 1)
		go func() { ended <- s.Commit(hero(1, false)) }()
		synctest.Wait()
		if got := storetest.Load(t, s); len(got.Heroes) != 1 || len(ended) != 0 {
			t.Errorf("it shows %v, and %d commits have ended", got, len(ended))
		}
		place.Kill()
		goOn()
		if err := <-ended; err == nil {
			t.Error("it was acknowledged")
		}
		again, err := place.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if got := storetest.Load(t, again); !got.Equal(storetest.NewContents()) {
			t.Errorf("it holds %v", got)
		}
	})
}
