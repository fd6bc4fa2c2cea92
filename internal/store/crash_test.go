package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// The machine crashes before each operation that writes, one after another, with
// none, half or all of what was not synced on the disk.
func TestACrashLosesNothingThatWasAcknowledged(t *testing.T) {
	n := writesOf(t)
	for at := int64(1); at <= n; at += int64(step(29)) {
		for i, percent := range []int{0, 50, 100} {
			crashAt(t, at, percent, pauses[(int(at)+i)%len(pauses)])
		}
	}
}

// pauses are those of the witness: it is written within each sync of a log, or beside
// the commits as often as the disk can, or once in the beginning and once in the end.
var pauses = []time.Duration{0, 1, time.Hour}

func crashAt(t *testing.T, at int64, percent int, pause time.Duration) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var s, known *script
	var left *vfs.MemFS
	disk := &faultyDisk{at: at, do: func() error {
		// What was acknowledged is taken before the copy: it is on the disk by then.
		known = s.outcome()
		left = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: seeded(at*101 + int64(percent))})
		known.tried(s)
		return nil
	}}
	s = newScript(t, store.MemFS{FS: errorfs.Wrap(mem, disk), WitnessPause: pause})
	if err := s.run(); err != nil {
		t.Fatalf("crash at %d: %v", at, err)
	}
	if left == nil {
		return // this run took fewer operations
	}
	defer func() {
		if t.Failed() {
			t.Logf("crash before operation %d with %d%% of what was not synced, the witness each %v", at, percent, pause)
		}
	}()
	known.recovers(store.MemFS{FS: left})
}

// tried adds what was begun between two looks at a script that runs.
func (s *script) tried(later *script) {
	now := later.outcome()
	s.begun, s.facts, s.epochs = now.begun, append(s.facts, now.facts...), append(s.epochs, now.epochs...)
}

// recovers opens what a crash left and holds it against what is known.
func (s *script) recovers(left store.MemFS) {
	s.t.Helper()
	st, err := left.Open(storetest.Config())
	if _, half := errors.AsType[*store.HalfCreatedError](err); half && !s.opened {
		return
	}
	if err != nil {
		s.t.Fatalf("open after a crash: %v", err)
	}
	s.check(st)
	s.works(left, st)
	report, err := left.Verify()
	if err != nil || len(report.Problems) > 0 {
		s.t.Fatalf("verify after a crash: %v, %+v", err, report.Problems)
	}
}

// A commit that ran beside a raise may leave a record of the epoch before.
func TestARecordOfAnOlderEpochIsDeletedAtTheStart(t *testing.T) {
	place := store.MemFS{FS: vfs.NewMem()}
	v, err := place.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Raise(); err != nil {
		t.Fatal(err)
	}
	if err := v.WriteAsOf(1, batch(0, 3)); err != nil {
		t.Fatal(err)
	}
	if got := storetest.Load(t, v); !got.Equal(storetest.NewContents()) {
		t.Errorf("the store holds %v", got)
	}
	v.Close()
	for _, want := range []int{4, 0} { // before and after an opening
		if r, err := place.Verify(); err != nil || r.Outdated != want || len(r.Problems) > 0 {
			t.Errorf("verify: %v, %+v; want %d outdated", err, r, want)
		}
		if v, err = place.Open(storetest.Config()); err != nil {
			t.Fatal(err)
		}
		if got := storetest.Load(t, v); !got.Equal(storetest.NewContents()) {
			t.Errorf("the store holds %v", got)
		}
		v.Close()
	}
}
