package store_test

import (
	"context"
	"errors"
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

func aStore(t *testing.T, place storetest.Place) *store.Store {
	t.Helper()
	s, err := place.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func kept(t *testing.T, count func() (int, error)) int {
	t.Helper()
	n, err := count()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var places = map[string]func() storetest.Place{
	"in memory":   func() storetest.Place { return &store.Memory{} },
	"in a folder": func() storetest.Place { return store.MemFS{FS: vfs.NewMem()} },
}

func TestAStartThatIsToldToEndReadsNoFurther(t *testing.T) {
	for name, place := range places {
		s := aStore(t, place())
		b := store.Batch{Epoch: s.Epoch()}
		for n := range 3 * 4096 {
			b.Entries.Heroes = append(b.Entries.Heroes, storetest.Hero(n, 1))
		}
		if err := s.Commit(b); err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		parts := 0
		err := s.Load(ctx, func(store.Part) error { parts++; end(); return nil })
		if !errors.Is(err, context.Canceled) || parts != 1 {
			t.Errorf("%s: %d parts, %v", name, parts, err)
		}
		end()
	}
}

// A city may run for months.
func TestForgottenAnswersDoNotStay(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			s := aStore(t, place())
			for n := range uint64(5) {
				b := store.Batch{Epoch: s.Epoch(), Answers: []store.Answer{{Number: n + 1, Caller: "a", Data: []byte{1}}}}
				if n > 0 {
					b.Forgotten = []uint64{n}
				}
				if err := s.Commit(b); err != nil {
					t.Fatal(err)
				}
				if got := kept(t, s.AnswersKept); got != 1 {
					t.Errorf("%d answers are kept after %d, want the last", got, n+1)
				}
			}
		})
	}
}

func TestARaiseDeletesWhatItVoids(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			s := aStore(t, place())
			b := batch(0, 3)
			b.Epoch = s.Epoch()
			if err := s.Commit(b); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Raise(); err != nil {
				t.Fatal(err)
			}
			if answers, records := kept(t, s.AnswersKept), kept(t, s.RecordsKept); answers+records > 0 {
				t.Errorf("%d answers and %d records lie there still", answers, records)
			}
		})
	}
}

func TestARecordUnderTheKeyOfAnotherIsCorrupt(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			s := aStore(t, place())
			if err := s.PutUnder(storetest.Hero(1, 1).ID, storetest.Hero(2, 1)); err != nil {
				t.Fatal(err)
			}
			err := s.Load(t.Context(), func(p store.Part) error {
				t.Errorf("handed out %+v", p)
				return nil
			})
			if !as[*store.CorruptError](err) {
				t.Errorf("load: %v", err)
			}
		})
	}
}

func TestAnEpochAndFactsThatWereNotWrittenAreNotShown(t *testing.T) {
	var place store.Memory
	s := aStore(t, &place)
	epoch, facts := s.Epoch(), s.Facts()
	place.Fail(errors.New("the disk is full"))
	_, raised := s.Raise()
	if set := s.SetFacts(store.Facts{Since: 9}); raised == nil || set == nil {
		t.Fatalf("a raise: %v, facts: %v, want both to fail", raised, set)
	}
	if s.Epoch() != epoch || s.Facts() != facts {
		t.Errorf("epoch %d and facts %v, want %d and %v", s.Epoch(), s.Facts(), epoch, facts)
	}
}
