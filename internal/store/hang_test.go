package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
)

// hangs are the calls that wait for the disk.
var hangs = map[string]func(*store.Store) error{
	"a commit": func(st *store.Store) error {
		b := batch(1, 1)
		b.Epoch = st.Epoch()
		return st.Commit(b)
	},
	"a raise": func(st *store.Store) error { _, err := st.Raise(); return err },
	"facts":   func(st *store.Store) error { return st.SetFacts(store.Facts{Since: 1}) },
}

func isClosed(t *testing.T, st *store.Store, when string) {
	t.Helper()
	if err := st.Err(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("%s the store says %v", when, err)
	}
}

func TestCloseEndsInTimeWhateverWaitsForTheDisk(t *testing.T) {
	for fact, hang := range hangs {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var m store.Memory
				st, err := m.Open(storetest.Config())
				if err != nil {
					t.Fatal(err)
				}
				goOn := m.Stall()
				ended := make(chan error, 1)
				go func() { ended <- hang(st) }()
				synctest.Wait()
				begun := time.Now()
				err = st.Close()
				if took := time.Since(begun); took > store.CloseWait {
					t.Errorf("Close took %v and returned %v", took, err)
				}
				isClosed(t, st, "after Close")
				goOn()
				<-ended
				isClosed(t, st, "once the disk goes on")
			})
		})
	}
}

// Pebble has locks that a bubble does not see through, so this one takes real time.
func TestCloseEndsInTimeWhateverWaitsForTheDiskInPebble(t *testing.T) {
	for fact, hang := range hangs {
		t.Run(fact, func(t *testing.T) {
			hung, well := make(chan struct{}), make(chan struct{})
			var (
				hangs atomic.Bool
				once  sync.Once
			)
			disk := &faultyDisk{every: true, do: func() error {
				if hangs.Load() {
					once.Do(func() { close(hung) })
					<-well
				}
				return nil
			}}
			st, err := store.MemFS{FS: errorfs.Wrap(vfs.NewMem(), disk)}.Open(storetest.Config())
			if err != nil {
				t.Fatal(err)
			}
			hangs.Store(true)
			ended := make(chan error, 1)
			go func() { ended <- hang(st) }()
			<-hung
			err = promptly(t, "Close", func() error { return st.CloseBy(time.Now().Add(100 * time.Millisecond)) })
			if !errors.Is(err, store.ErrCloseTimeout) {
				t.Errorf("Close returned %v", err)
			}
			isClosed(t, st, "after Close")
			close(well)
			if err := promptly(t, fact, func() error { return <-ended }); err != nil && !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s returned %v", fact, err)
			}
			isClosed(t, st, "once the disk goes on")
		})
	}
}

func TestNobodyWaitsForTheTurnOfOneThatHangsWithoutEnd(t *testing.T) {
	for fact, call := range map[string]func(*store.Store) error{
		"a raise":  hangs["a raise"],
		"facts":    hangs["facts"],
		"a resume": func(st *store.Store) error { return st.Resume() },
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var m store.Memory
				st, err := m.Open(storetest.Config())
				if err != nil {
					t.Fatal(err)
				}
				goOn := m.Stall()
				ended := make(chan error, 1)
				go func() { ended <- hangs["facts"](st) }()
				synctest.Wait()
				begun := time.Now()
				err = call(st)
				if _, down := errors.AsType[*store.DownError](err); !down || time.Since(begun) > store.CloseWait {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
				goOn()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if err := call(st); err != nil {
					t.Errorf("once the disk goes on: %v", err)
				}
			})
		})
	}
}

func TestAStoreThatWasClosedWhileItResumedStaysClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m store.Memory
		st, err := m.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		m.Fail(errors.New("no room"))
		if err := hangs["facts"](st); err == nil {
			t.Fatal("the disk does not fail")
		}
		m.Fail(nil)
		goOn := m.Stall()
		ended := make(chan error, 1)
		go func() { ended <- st.Resume() }()
		synctest.Wait()
		if err := st.Close(); !errors.Is(err, store.ErrCloseTimeout) {
			t.Errorf("Close returned %v", err)
		}
		isClosed(t, st, "after Close")
		goOn()
		if err := <-ended; !errors.Is(err, store.ErrClosed) {
			t.Errorf("Resume returned %v", err)
		}
		isClosed(t, st, "once the disk goes on")
		again, err := m.Open(storetest.Config())
		if err != nil {
			t.Fatalf("the place is not let go: %v", err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
}
