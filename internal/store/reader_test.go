package store_test

import (
	"context"
	"errors"
	"maps"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
)

// medium is a disk that refuses to be written to, as one that is mounted read-only does:
// not even a lock can be made there.
func medium(disk vfs.FS) vfs.FS {
	return errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
			return syscall.EROFS
		}
		return nil
	}))
}

// readWhole returns what a Reader hands out, and fails unless the IDs ascend.
func readWhole(t *testing.T, r *store.Reader) storetest.Contents {
	t.Helper()
	got := storetest.NewContents()
	err := r.Entries(t.Context(), func(p store.Part) error {
		for i := 1; i < len(p.Entries.Heroes); i++ {
			if p.Entries.Heroes[i].ID.Compare(p.Entries.Heroes[i-1].ID) <= 0 {
				t.Errorf("%v comes after %v", p.Entries.Heroes[i].ID, p.Entries.Heroes[i-1].ID)
			}
		}
		got.Apply(store.Batch{Entries: p.Entries})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What a city was acknowledged to hold is read from a copy that cannot be written to,
// whether the city was closed or killed, and not a byte is another afterwards.
func TestAStoreIsReadWhereNothingCanBeWritten(t *testing.T) {
	for _, closed := range []bool{true, false} {
		// So many that some are in tables and some in the log.
		f, want, _ := aFolder(t, 60, closed)
		b := batch(10*59, 5)
		want.Apply(b) // aFolder leaves the last out of what it returns
		was := contents(t, f.FS)
		r, err := store.MemFS{FS: medium(f.FS)}.OpenReader()
		if err != nil {
			t.Fatal(err)
		}
		if r.Identity() != storetest.Config().Identity {
			t.Errorf("it is of %v", r.Identity())
		}
		for range 2 {
			if got := readWhole(t, r); !maps.Equal(got.Heroes, want.Heroes) || !maps.Equal(got.Tombstones, want.Tombstones) {
				t.Errorf("closed %v: %d heroes are read, want %d", closed, len(got.Heroes), len(want.Heroes))
			}
		}
		if closed && !r.Ending().Clean() {
			t.Errorf("it was closed: %+v", r.Ending())
		}
		stopped := errors.New("enough")
		if err := r.Entries(t.Context(), func(store.Part) error { return stopped }); !errors.Is(err, stopped) {
			t.Errorf("%v", err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := r.Entries(ended, func(store.Part) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		report, err := store.MemFS{FS: medium(f.FS)}.Verify()
		if err != nil || report.Heroes != len(want.Heroes) || len(report.Problems) > 0 || report.Ending != r.Ending() {
			t.Errorf("verify: %+v, %v", report, err)
		}
		if now := contents(t, f.FS); !maps.Equal(now, was) {
			t.Error("the folder is not as it was")
		}
	}
}

// A crash within a second of the last commit leaves more than the witness tells of, and
// one within a commit leaves a torn log. Both are said.
func TestAReaderTellsThatTheCityDidNotEndCleanly(t *testing.T) {
	f, _, before := aFolder(t, 4, false)
	log := newest(t, f.FS, ".log")
	text := read(t, f.FS, log)
	f.WriteWitness(log, text[:before])
	for cut, want := range map[int]store.Ending{
		len(text):  {Unwitnessed: 1},
		before + 9: {TornBytes: 9},
		before:     {},
	} {
		write(t, f.FS, log, text[:cut])
		r, err := f.OpenReader()
		if err != nil {
			t.Fatal(err)
		}
		e := r.Ending()
		if (e.Unwitnessed > 0) != (want.Unwitnessed > 0) || (e.TornBytes > 0) != (want.TornBytes > 0) || e.Clean() != (cut == before) {
			t.Errorf("cut at %d of %d: %+v", cut, len(text), e)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Where the disk can be written to, the lock shows that a city runs.
func TestAReaderDoesNotReadWhatACityHasOpen(t *testing.T) {
	dir := t.TempDir() + "/store"
	s, err := store.Open(dir, storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := store.OpenReader(dir); !isLocked(err) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := store.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir, storetest.Config()); !isLocked(err) {
		t.Errorf("%v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func isLocked(err error) bool {
	_, locked := errors.AsType[*store.LockedError](err)
	return locked
}

func TestAReaderRefusesADamagedStore(t *testing.T) {
	f, _, _ := aFolder(t, 4, true)
	log := newest(t, f.FS, ".log")
	write(t, f.FS, log, nil) // what the witness says was in it is gone
	_, err := f.OpenReader()
	if _, corrupt := errors.AsType[*store.CorruptError](err); !corrupt {
		t.Errorf("%v", err)
	}
}
