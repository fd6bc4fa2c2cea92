package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// faultyDisk counts the operations that change a disk and does something before
// one of them.
type faultyDisk struct {
	count atomic.Int64
	at    int64        // the operation to do it before, counted from 1
	every bool         // and before each one after it
	do    func() error // an error makes the operation fail
}

func (d *faultyDisk) MaybeError(o errorfs.Op) error {
	if o.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	if n := d.count.Add(1); d.do != nil && (n == d.at || d.every && n > d.at) {
		return d.do()
	}
	return nil
}

func (d *faultyDisk) String() string { return "disk that fails once" }

// script is a life of a store, the same each time: some commits at once and some
// in a row, answers, facts, raises and openings, with memtables small enough to be
// flushed. It keeps what it was acknowledged.
type script struct {
	t     testing.TB
	place store.MemFS
	store *store.Store

	mu     sync.Mutex         // guards the rest
	acked  storetest.Contents // in the first of epochs
	begun  []store.Batch      // of all epochs, acknowledged or not
	facts  []store.Facts      // the last acknowledged, and then those that were tried
	epochs []store.Epoch      // the same of epochs
	opened bool               // whether Open ever returned a store
}

func newScript(t testing.TB, place store.MemFS) *script {
	return &script{t: t, place: place, acked: storetest.NewContents(), facts: []store.Facts{{}}, epochs: []store.Epoch{1}}
}

// open opens the store; an error ends the script.
func (s *script) open() error {
	st, err := s.place.Open(storetest.Config())
	if err == nil {
		s.mu.Lock()
		s.store, s.opened = st, true
		s.mu.Unlock()
	}
	return err
}

func (s *script) commit(b store.Batch) error {
	s.mu.Lock()
	b.Epoch = s.epochs[0]
	s.begun = append(s.begun, b)
	s.mu.Unlock()
	err := s.store.Commit(b)
	if err == nil && !b.Lazy {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.acked.Apply(b)
	}
	return err
}

func (s *script) setFacts(f store.Facts) error {
	s.mu.Lock()
	s.facts = append(s.facts, f)
	s.mu.Unlock()
	err := s.store.SetFacts(f)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.facts = []store.Facts{f}
	}
	return err
}

func (s *script) raise() error {
	s.mu.Lock()
	s.epochs = append(s.epochs, s.epochs[0]+1)
	s.mu.Unlock()
	e, err := s.store.Raise()
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.epochs, s.acked = []store.Epoch{e}, storetest.NewContents()
	}
	return err
}

// batch is a batch of size heroes, of the names from n on.
func batch(n, size int) store.Batch {
	var b store.Batch
	for i := range size {
		b.Entries.Heroes = append(b.Entries.Heroes, storetest.Hero(n+i, n))
	}
	b.Answers = []store.Answer{{Number: uint64(n), Caller: fmt.Sprint(n), Data: []byte("yes")}}
	return b
}

// together commits at once and returns the first error.
func (s *script) together(n, callers int) error {
	errs := make(chan error, callers)
	for i := range callers {
		go func() { errs <- s.commit(batch(n+3*i, 3)) }()
	}
	var first error
	for range callers {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// run plays the script until the first error.
func (s *script) run() error {
	lazy := batch(9000, 2)
	lazy.Lazy = true
	for _, step := range []func() error{
		s.open,
		func() error { return s.setFacts(store.Facts{Since: 1, Incarnation: 1}) },
		func() error { return s.commit(batch(0, 5)) },
		s.raise,
		func() error { return s.together(100, 4) },
		func() error { return s.commit(lazy) },
		func() error { return s.commit(batch(200, 150)) },
		func() error { return s.commit(batch(400, 400)) }, // greater than a memtable
		func() error { return s.together(1000, 4) },
		func() error { return s.commit(batch(2000, 150)) },
		func() error { return s.store.Close() },
		s.open,
		func() error { return s.setFacts(store.Facts{Since: 1, Incarnation: 2}) },
		func() error { return s.commit(batch(3000, 150)) },
		s.raise,
		func() error { return s.commit(batch(4000, 150)) },
		func() error { return s.commit(batch(5000, 150)) },
		func() error { return s.store.Close() },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// outcome is a copy of what is known, taken while the script may run.
func (s *script) outcome() *script {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &script{
		t: s.t, acked: s.acked.Clone(), begun: slices.Clone(s.begun),
		facts: slices.Clone(s.facts), epochs: slices.Clone(s.epochs), opened: s.opened,
	}
}

// check holds a store that was opened after a fault against what is known.
func (s *script) check(st *store.Store) {
	s.t.Helper()
	if !slices.Contains(s.epochs, st.Epoch()) {
		s.t.Fatalf("epoch %d, want one of %d", st.Epoch(), s.epochs)
	}
	if !slices.Contains(s.facts, st.Facts()) {
		s.t.Fatalf("facts %v, want one of %v", st.Facts(), s.facts)
	}
	want := s.acked.Clone()
	if st.Epoch() != s.epochs[0] {
		want = storetest.NewContents() // a raise came through
	}
	got := storetest.Load(s.t, st)
	for _, b := range s.begun {
		if _, acked := want.Heroes[b.Entries.Heroes[0].ID]; acked || b.Epoch != st.Epoch() {
			continue
		}
		here := 0
		for _, h := range b.Entries.Heroes {
			if _, ok := got.Heroes[h.ID]; ok {
				here++
			}
		}
		if here == len(b.Entries.Heroes) {
			want.Apply(b)
		} else if here != 0 {
			s.t.Fatalf("of a batch of %d there are %d", len(b.Entries.Heroes), here)
		}
	}
	if !got.Equal(want) {
		s.t.Fatalf("%d heroes, %d answers; want %d, %d", len(got.Heroes), len(got.Answers), len(want.Heroes), len(want.Answers))
	}
}

// works commits one more, and looks at all again after another opening.
func (s *script) works(place store.MemFS, st *store.Store) {
	s.t.Helper()
	b := store.Batch{Epoch: st.Epoch(), Entries: crdt.Entries{Heroes: []crdt.Hero{storetest.Hero(1<<20, 1)}}}
	before := storetest.Load(s.t, st)
	if err := st.Commit(b); err != nil {
		s.t.Fatalf("commit after recovery: %v", err)
	}
	before.Apply(b)
	if err := st.Close(); err != nil {
		s.t.Fatalf("close after recovery: %v", err)
	}
	again, err := place.Open(storetest.Config())
	if err != nil {
		s.t.Fatalf("open after recovery: %v", err)
	}
	if got := storetest.Load(s.t, again); !got.Equal(before) {
		s.t.Fatal("what recovery gave is not there after another opening")
	}
	again.Close()
}

// step is how far to go from one point of failure to the next: to each, unless the
// race detector makes that long.
func step(underRace int) int {
	if raceEnabled || testing.Short() {
		return underRace
	}
	return 1
}

func seeded(n int64) *rand.Rand { return rand.New(rand.NewPCG(uint64(n), 1)) }
