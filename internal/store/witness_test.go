package store_test

import (
	"bytes"
	"errors"
	"maps"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// refused opens a store that lost what was durable of a log, and checks that Open and
// Verify say so, and that nothing is changed.
func refused(t *testing.T, f store.MemFS, log string, offset int64) {
	t.Helper()
	was := contents(t, f.FS)
	s, err := f.Open(storetest.Config())
	if err == nil {
		s.Close()
	}
	c, ok := errors.AsType[*store.CorruptError](err)
	if !ok || c.File != log || c.Offset != offset {
		t.Errorf("open: %v; want damage of %s at %d", err, log, offset)
		return
	}
	for _, words := range []string{"witness says that it was durable up to", "of the second after that may be missing", "restore the folder from a copy"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("open: %v; want it to say %q", err, words)
		}
	}
	r, err := f.Verify()
	if err != nil || len(r.Problems) != 1 || r.Problems[0].File != log || r.Problems[0].Offset != offset {
		t.Errorf("verify: %v, %+v; want damage of %s at %d", err, r.Problems, log, offset)
	}
	if r.Witness.Log != path.Base(log) || r.Witness.Outdated {
		t.Errorf("verify: the witness says %+v", r.Witness)
	}
	if !maps.Equal(contents(t, f.FS), was) {
		t.Error("the folder was changed")
	}
}

// lostParts are ways to lose what a log of records that end at before and at end held.
var lostParts = map[string]func(t *testing.T, f store.MemFS, log string, before int) (offset int64){
	"emptied": func(t *testing.T, f store.MemFS, log string, _ int) int64 {
		write(t, f.FS, log, nil)
		return 0
	},
	"deleted": func(t *testing.T, f store.MemFS, log string, _ int) int64 {
		if err := f.Remove(log); err != nil {
			t.Fatal(err)
		}
		return 0
	},
	"zeros in its place": func(t *testing.T, f store.MemFS, log string, _ int) int64 {
		write(t, f.FS, log, make([]byte, len(read(t, f.FS, log))))
		return 0
	},
	"cut where a record ends": func(t *testing.T, f store.MemFS, log string, before int) int64 {
		write(t, f.FS, log, read(t, f.FS, log)[:before])
		return int64(before)
	},
	"cut in its last record": func(t *testing.T, f store.MemFS, log string, before int) int64 {
		write(t, f.FS, log, read(t, f.FS, log)[:before+100])
		return int64(before)
	},
	"damaged in its last record": func(t *testing.T, f store.MemFS, log string, before int) int64 {
		text := read(t, f.FS, log)
		text[before+100] ^= 4
		write(t, f.FS, log, text)
		return int64(before)
	},
}

func TestANewestLogThatLostWhatWasSyncedIsRefused(t *testing.T) {
	for after, closed := range map[string]bool{"after a close": true, "after a kill": false} {
		for what, lose := range lostParts {
			t.Run(what+" "+after, func(t *testing.T) {
				f, _, before := aFolder(t, 6, closed)
				log := newest(t, f.FS, ".log")
				refused(t, f, log, lose(t, f, log, before))
			})
		}
	}
}

// What older logs held is in tables by then, and the file of one of them is used again.
func TestANewestLogAfterOthersIsRefusedToo(t *testing.T) {
	for _, what := range []string{"emptied", "deleted", "zeros in its place"} {
		f, _, _ := aFolder(t, 400, true)
		log := newest(t, f.FS, ".log")
		refused(t, f, log, lostParts[what](t, f, log, 0))
	}
}

// Between two writings the witness is behind; a close leaves it with all that there was.
func TestACloseWritesTheWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := store.MemFS{FS: vfs.NewMem(), WitnessPause: time.Hour}
		s, err := f.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		before := 0
		for n := range 5 {
			before = len(read(t, f.FS, newest(t, f.FS, ".log")))
			if err := s.Commit(hero(n, false)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the witness has seen the first, and rests
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		log := newest(t, f.FS, ".log")
		write(t, f.FS, log, read(t, f.FS, log)[:before])
		refused(t, f, log, int64(before))
	})
}

// A program that knows of no witness leaves none, or an old one.
func TestAnOldWitnessRefusesNothing(t *testing.T) {
	f := store.MemFS{FS: vfs.NewMem()}
	var witnesses [][]byte
	outdated := 0
	for n := range 8 { // each life ends with another memtable half full
		s, err := f.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			b := batch(1000*n+200*i, 150)
			b.Epoch = 1
			if err := s.Commit(b); err != nil {
				t.Fatal(err)
			}
			witnesses = append(witnesses, read(t, f.FS, store.WitnessPath))
		}
		want := storetest.Load(t, s)
		s.Close()
		witnesses = append(witnesses, read(t, f.FS, store.WitnessPath))
		for _, old := range witnesses {
			write(t, f.FS, store.WitnessPath, old)
			r, err := f.Verify()
			if err != nil || len(r.Problems) > 0 || r.Witness.Log == "" {
				t.Fatalf("verify: %v, %+v", err, r)
			}
			if r.Witness.Outdated {
				outdated++
			}
		}
		write(t, f.FS, store.WitnessPath, witnesses[len(witnesses)/2])
		reopens(t, f, want)
	}
	if outdated == 0 {
		t.Error("no log was gone that a witness spoke of")
	}
}

// reopens opens a store, looks at what it holds, and closes it.
func reopens(t *testing.T, f store.MemFS, want storetest.Contents) {
	t.Helper()
	s, err := f.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := storetest.Load(t, s); !got.Equal(want) {
		t.Errorf("it holds %d heroes, want %d", len(got.Heroes), len(want.Heroes))
	}
}

func TestAStoreWithoutAWitnessOpens(t *testing.T) {
	f, _, _ := aFolder(t, 6, false)
	if err := f.Remove(store.WitnessPath); err != nil {
		t.Fatal(err)
	}
	if r, err := f.Verify(); err != nil || r.Witness != (store.Testimony{}) || len(r.Problems) > 0 {
		t.Errorf("verify: %v, %+v", err, r)
	}
	s, err := f.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// A torn witness counts as none, also where it would find damage.
func TestATornWitnessSaysNothing(t *testing.T) {
	f, _, before := aFolder(t, 6, false)
	log, whole := newest(t, f.FS, ".log"), read(t, f.FS, store.WitnessPath)
	write(t, f.FS, log, read(t, f.FS, log)[:before])
	torn := [][]byte{nil, make([]byte, len(whole)), bytes.ToUpper(whole)}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		torn = append(torn, whole[:i], flipped, append(bytes.Clone(whole[:i]), make([]byte, len(whole)-i)...))
	}
	for _, text := range torn {
		write(t, f.FS, store.WitnessPath, text)
		if r, err := f.Verify(); err != nil || r.Witness != (store.Testimony{}) || len(r.Problems) > 0 {
			t.Errorf("verify with the witness %q: %v, %+v", text, err, r)
		}
	}
	write(t, f.FS, store.WitnessPath, append(whole, "and more"...))
	refused(t, f, log, int64(before))
}

// A copy of the whole folder is as good as the folder, whatever became of that.
func TestACopyOfTheFolderOpens(t *testing.T) {
	for _, closed := range []bool{true, false} {
		f, _, _ := aFolder(t, 40, closed)
		copied := contents(t, f.FS)
		s, err := f.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		want := storetest.Load(t, s)
		for n := range 5 {
			b := batch(5000+200*n, 150)
			b.Epoch = 1
			if err := s.Commit(b); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
		if err := errors.Join(f.RemoveAll(store.CityDir), f.MkdirAll(store.CityDir+"/db", 0o755)); err != nil {
			t.Fatal(err)
		}
		for name, text := range copied {
			write(t, f.FS, name, []byte(text))
		}
		reopens(t, f, want)
	}
}

// A disk that forgets what it said was synced, of all but the witness, is found out.
func TestADiskThatLosesWhatItSyncedIsFoundOut(t *testing.T) {
	f, _, before := aFolder(t, 6, false)
	log := newest(t, f.FS, ".log")
	write(t, f.FS, log, append(read(t, f.FS, log)[:before], make([]byte, 1<<16)...))
	refused(t, f, log, int64(before))
}

// witnessWrites counts the writes of the witness.
type witnessWrites struct{ n atomic.Int64 }

func (w *witnessWrites) MaybeError(o errorfs.Op) error {
	if o.Kind == errorfs.OpFileWriteAt && o.Path == store.WitnessPath {
		w.n.Add(1)
	}
	return nil
}

func (w *witnessWrites) String() string { return "count the writes of the witness" }

func TestTheWitnessIsWrittenOnceInAPauseWhileThereAreCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes witnessWrites
		f := store.MemFS{FS: errorfs.Wrap(vfs.NewMem(), &writes), WitnessPause: time.Second}
		s, err := f.Open(storetest.Config())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for n := range 50 { // in 5 s
			if err := s.Commit(hero(n, false)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		busy := writes.n.Load()
		if busy < 5 || busy > 7 {
			t.Errorf("%d writes in 6 s, want one a second", busy)
		}
		time.Sleep(time.Minute)
		if idle := writes.n.Load() - busy; idle != 0 {
			t.Errorf("%d writes in a minute without commits", idle)
		}
	})
}
