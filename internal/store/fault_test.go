package store_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// promptly fails the test if f takes longer than any caller would wait.
func promptly(t *testing.T, what string, f func() error) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	late := time.NewTimer(5 * time.Second)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		t.Fatalf("%s hangs", what)
		return nil
	}
}

// writesOf is how many operations the script takes.
func writesOf(t *testing.T) int64 {
	disk := &faultyDisk{}
	s := newScript(t, store.MemFS{FS: errorfs.Wrap(vfs.NewMem(), disk)})
	if err := s.run(); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	return disk.count.Load()
}

// Each operation that writes fails, one after another, once or from then on. The
// caller gets the cause, and Resume gives back all that was acknowledged.
func TestADiskThatFailsLosesNothing(t *testing.T) {
	n := writesOf(t)
	t.Logf("%d operations", n)
	seen := 0
	for at := int64(1); at <= n; at += int64(step(29)) {
		for _, cause := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
			if failAt(t, at, cause, cause == syscall.ENOSPC) {
				seen++
			}
		}
	}
	if seen == 0 {
		t.Error("no fault was noticed")
	}
}

// failAt runs the script with a fault, and says whether a caller noticed.
func failAt(t *testing.T, at int64, cause error, forever bool) (noticed bool) {
	t.Helper()
	mem, well := vfs.NewMem(), make(chan struct{})
	disk := &faultyDisk{at: at, every: forever, do: func() error {
		select {
		case <-well:
			return nil
		default:
			return cause
		}
	}}
	place := store.MemFS{FS: errorfs.Wrap(mem, disk), WitnessPause: pauses[int(at)%len(pauses)]}
	s := newScript(t, place)
	err := promptly(t, "the script", s.run)
	if err != nil && !errors.Is(err, cause) {
		t.Fatalf("operation %d: %v; want the cause, %v", at, err, cause)
	}
	defer func() {
		if t.Failed() {
			t.Logf("operation %d with %v, forever: %v", at, cause, forever)
		}
	}()
	if err != nil && s.store != nil && s.store.Err() != nil && !errors.Is(s.store.Err(), store.ErrClosed) {
		failsFast(t, s.store, cause)
		if err := promptly(t, "resume of a bad disk", s.store.Resume); forever && !errors.Is(err, cause) {
			t.Fatalf("resume of a bad disk: %v", err)
		}
	}
	close(well)
	st := recoverStore(t, s, place)
	if st != nil {
		s.check(st)
		s.works(place, st)
	}
	return err != nil
}

func failsFast(t *testing.T, st *store.Store, cause error) {
	t.Helper()
	err := promptly(t, "a commit while down", func() error { return st.Commit(store.Batch{Epoch: st.Epoch()}) })
	if _, down := errors.AsType[*store.DownError](err); !down || !errors.Is(err, cause) {
		t.Fatalf("commit while down: %v", err)
	}
}

// recoverStore resumes a store that is down, or opens it anew.
func recoverStore(t *testing.T, s *script, place store.MemFS) *store.Store {
	t.Helper()
	if s.store != nil && !errors.Is(s.store.Err(), store.ErrClosed) {
		// It may be well again already, where the fault was but one.
		if err := promptly(t, "resume", s.store.Resume); err != nil {
			t.Fatalf("resume: %v", err)
		}
		return s.store
	}
	var st *store.Store
	err := promptly(t, "open", func() (err error) {
		st, err = place.Open(storetest.Config())
		return err
	})
	if _, half := errors.AsType[*store.HalfCreatedError](err); half && !s.opened {
		return nil
	}
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return st
}
