package storetest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/internal/store"
	"pgregory.net/rapid"
)

// Place is where a store lies: what was made durable with one opening is there in
// the next.
type Place interface {
	Open(store.Config) (*store.Store, error)
}

// Config returns whose store the suite opens, with a clock that stands at now.
func Config(now time.Time) store.Config {
	return store.Config{
		AnswerAge: 10 * time.Minute,
		Identity:  store.Identity{City: "metropolis", Network: "test", Peer: "12D3"},
		Now:       func() time.Time { return now },
	}
}

// Start is when the suite begins.
var Start = time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)

// Contents are what a store holds.
type Contents struct {
	Heroes     map[crdt.ID]crdt.Hero
	Tombstones map[crdt.ID]crdt.Tombstone
	Answers    map[string]store.Answer // by caller, data and time
}

// NewContents returns those of an empty store.
func NewContents() Contents {
	return Contents{
		Heroes:     map[crdt.ID]crdt.Hero{},
		Tombstones: map[crdt.ID]crdt.Tombstone{},
		Answers:    map[string]store.Answer{},
	}
}

// Apply does what a commit of the batch does.
func (c Contents) Apply(b store.Batch) {
	for _, h := range b.Entries.Heroes {
		delete(c.Tombstones, h.ID)
		c.Heroes[h.ID] = h
	}
	for _, t := range b.Entries.Tombstones {
		delete(c.Heroes, t.ID)
		c.Tombstones[t.ID] = t
	}
	for _, a := range b.Answers {
		c.Answers[fmt.Sprint(a)] = a
	}
}

// Clone returns a copy.
func (c Contents) Clone() Contents {
	return Contents{maps.Clone(c.Heroes), maps.Clone(c.Tombstones), maps.Clone(c.Answers)}
}

// Equal reports whether both are the same.
func (c Contents) Equal(other Contents) bool { return reflect.DeepEqual(c, other) }

// Load reads all that a store hands out.
func Load(t testing.TB, s *store.Store) Contents {
	t.Helper()
	c, loaded := NewContents(), 0
	err := s.Load(t.Context(), func(p store.Page) error {
		loaded += p.Entries.Len() + len(p.Answers)
		if p.Loaded != loaded {
			t.Errorf("page says %d were loaded, want %d", p.Loaded, loaded)
		}
		c.Apply(store.Batch{Entries: p.Entries, Answers: p.Answers})
		return nil
	})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

// Hero returns a valid hero; n tells heroes apart and v versions of one.
func Hero(n, v int) crdt.Hero {
	return crdt.Hero{
		ID: crdt.ID{byte(n >> 16), byte(n >> 8), byte(n), 1}, Name: fmt.Sprintf("hero %d", n), Location: "metropolis",
		Health: 100, Version: crdt.Version{Replica: 7, HLC: crdt.Stamp(v + 1)},
	}
}

// Run runs the suite; fresh returns a new place.
func Run(t *testing.T, fresh func(testing.TB) Place) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *visit)
	}{
		{"what was committed is there", whatWasCommittedIsThere},
		{"the last version stands", theLastVersionStands},
		{"an invalid entry is refused", anInvalidEntryIsRefused},
		{"a raise voids all", aRaiseVoidsAll},
		{"an older epoch is refused", anOlderEpochIsRefused},
		{"facts outlive a raise", factsOutliveARaise},
		{"answers expire", answersExpire},
		{"pages are bounded", pagesAreBounded},
		{"concurrent commits are all there", concurrentCommitsAreAllThere},
		{"only one has it open", onlyOneHasItOpen},
		{"another city is refused", anotherCityIsRefused},
		{"a closed store says so", aClosedStoreSaysSo},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, enter(t, fresh(t))) })
	}
	t.Run("agrees with a map", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) { agreesWithAMap(t, r, fresh(t)) })
	})
}

// visit is a place and the store that is open there.
type visit struct {
	*store.Store
	t     testing.TB
	place Place
	now   time.Time
}

func enter(t testing.TB, p Place) *visit {
	v := &visit{t: t, place: p, now: Start}
	v.open()
	t.Cleanup(func() { v.Close() })
	return v
}

func (v *visit) open() {
	v.t.Helper()
	cfg := Config(v.now)
	cfg.Now = func() time.Time { return v.now }
	s, err := v.place.Open(cfg)
	if err != nil {
		v.t.Fatalf("open: %v", err)
	}
	v.Store = s
}

func (v *visit) reopen() {
	v.t.Helper()
	if err := v.Close(); err != nil {
		v.t.Fatalf("close: %v", err)
	}
	v.open()
}

func (v *visit) commit(b store.Batch) {
	v.t.Helper()
	b.Epoch = v.Epoch()
	if err := v.Commit(b); err != nil {
		v.t.Fatalf("commit: %v", err)
	}
}

func (v *visit) heroes(heroes ...crdt.Hero) {
	v.t.Helper()
	v.commit(store.Batch{Entries: crdt.Entries{Heroes: heroes}})
}

func (v *visit) raise() {
	v.t.Helper()
	before := v.Epoch()
	if e, err := v.Raise(); err != nil || e != before+1 || v.Epoch() != e {
		v.t.Fatalf("raise = %d, %v; epoch was %d, is %d", e, err, before, v.Epoch())
	}
}

// holds checks the contents now and after a reopening.
func (v *visit) holds(want Contents) {
	v.t.Helper()
	for _, when := range []string{"before", "after"} {
		if got := Load(v.t, v.Store); !got.Equal(want) {
			v.t.Fatalf("%s reopening the store holds\n%v\nwant\n%v", when, got, want)
		}
		v.reopen()
	}
}

func whatWasCommittedIsThere(_ *testing.T, v *visit) {
	want, dead := NewContents(), Hero(3, 1)
	for _, b := range []store.Batch{
		{Entries: crdt.Entries{Heroes: []crdt.Hero{Hero(1, 1), Hero(2, 1)}}},
		{Entries: crdt.Entries{Tombstones: []crdt.Tombstone{{ID: dead.ID, Version: dead.Version}}}, Lazy: true},
		{Answers: []store.Answer{{At: v.now, Caller: "a", Data: []byte{1}}, {At: v.now, Caller: "b", Data: []byte{}}}},
	} {
		want.Apply(b)
		v.commit(b)
	}
	v.holds(want)
}

func theLastVersionStands(_ *testing.T, v *visit) {
	want, h := NewContents(), Hero(1, 3)
	for _, e := range []crdt.Entries{
		{Heroes: []crdt.Hero{Hero(1, 5), Hero(2, 1)}},
		{Heroes: []crdt.Hero{Hero(2, 2), Hero(1, 3)}},
		{Heroes: []crdt.Hero{h}, Tombstones: []crdt.Tombstone{{ID: h.ID, Version: h.Version}}},
	} {
		want.Apply(store.Batch{Entries: e})
		v.commit(store.Batch{Entries: e})
	}
	v.holds(want)
}

func anInvalidEntryIsRefused(t *testing.T, v *visit) {
	bad := Hero(1, 1)
	bad.Health = 0
	err := v.Commit(store.Batch{Epoch: v.Epoch(), Entries: crdt.Entries{Heroes: []crdt.Hero{Hero(2, 1), bad}}})
	if err == nil {
		t.Error("a hero without health was committed")
	}
	v.holds(NewContents())
}

func aRaiseVoidsAll(_ *testing.T, v *visit) {
	v.commit(store.Batch{Entries: crdt.Entries{Heroes: []crdt.Hero{Hero(1, 1)}}, Answers: []store.Answer{{At: v.now}}})
	v.raise()
	v.holds(NewContents())
	want := NewContents()
	want.Apply(store.Batch{Entries: crdt.Entries{Heroes: []crdt.Hero{Hero(2, 1)}}})
	v.heroes(Hero(2, 1))
	v.holds(want)
}

func anOlderEpochIsRefused(t *testing.T, v *visit) {
	old := v.Epoch()
	v.raise()
	v.reopen()
	err := v.Commit(store.Batch{Epoch: old, Entries: crdt.Entries{Heroes: []crdt.Hero{Hero(1, 1)}}})
	if !errors.Is(err, store.ErrEpoch) {
		t.Errorf("commit of an older epoch: %v", err)
	}
	v.holds(NewContents())
}

func factsOutliveARaise(t *testing.T, v *visit) {
	want := store.Facts{Since: 3, Incarnation: 5}
	if err := v.SetFacts(want); err != nil {
		t.Fatal(err)
	}
	if got := v.Facts(); got != want {
		t.Errorf("facts %v as soon as they were set, want %v", got, want)
	}
	v.raise()
	v.reopen()
	if got := v.Facts(); got != want || v.Epoch() != 2 {
		t.Errorf("facts %v in epoch %d, want %v in 2", got, v.Epoch(), want)
	}
}

func answersExpire(_ *testing.T, v *visit) {
	old, young := store.Answer{At: v.now, Caller: "a", Data: []byte("old")}, store.Answer{Caller: "a", Data: []byte("young")}
	v.commit(store.Batch{Answers: []store.Answer{old}})
	v.now = v.now.Add(9 * time.Minute)
	young.At = v.now
	v.commit(store.Batch{Answers: []store.Answer{young}})
	want := NewContents()
	want.Apply(store.Batch{Answers: []store.Answer{old, young}})
	v.holds(want)
	v.now = v.now.Add(2 * time.Minute)
	want = NewContents()
	want.Apply(store.Batch{Answers: []store.Answer{young}})
	v.holds(want)
}

func pagesAreBounded(t *testing.T, v *visit) {
	const n = 10_000
	var e crdt.Entries
	for i := range n {
		e.Heroes = append(e.Heroes, Hero(i, 1))
	}
	v.commit(store.Batch{Entries: e})
	pages := 0
	err := v.Load(t.Context(), func(p store.Page) error {
		pages++
		if p.Entries.Len() > 4096 {
			t.Errorf("a page of %d", p.Entries.Len())
		}
		return nil
	})
	if err != nil || pages != 3 {
		t.Errorf("%d pages, %v; want 3", pages, err)
	}
	stop := errors.New("stop")
	if err := v.Load(t.Context(), func(store.Page) error { return stop }); !errors.Is(err, stop) || v.Err() != nil {
		t.Errorf("load that was stopped: %v, and the store: %v", err, v.Err())
	}
}

func concurrentCommitsAreAllThere(_ *testing.T, v *visit) {
	const callers, each = 16, 20
	want := NewContents()
	var done sync.WaitGroup
	for i := range callers {
		for j := range each {
			want.Apply(store.Batch{Entries: crdt.Entries{Heroes: []crdt.Hero{Hero(i*each+j, 1)}}})
		}
		done.Go(func() {
			for j := range each {
				v.heroes(Hero(i*each+j, 1))
			}
		})
	}
	done.Wait()
	v.holds(want)
}

func onlyOneHasItOpen(t *testing.T, v *visit) {
	_, err := v.place.Open(Config(Start))
	if _, ok := errors.AsType[*store.LockedError](err); !ok {
		t.Errorf("the second opening: %v", err)
	}
}

func anotherCityIsRefused(t *testing.T, v *visit) {
	v.Close()
	cfg := Config(Start)
	cfg.Identity.Network = "other"
	_, err := v.place.Open(cfg)
	if f, ok := errors.AsType[*store.ForeignError](err); !ok || f.Want != cfg.Identity {
		t.Errorf("opened as another city: %v", err)
	}
	v.open()
}

func aClosedStoreSaysSo(t *testing.T, v *visit) {
	if err := errors.Join(v.Close(), v.Close()); err != nil {
		t.Error(err)
	}
	_, raised := v.Raise()
	load := v.Load(t.Context(), func(store.Page) error { return nil })
	for _, err := range []error{v.Commit(store.Batch{Epoch: v.Epoch()}), raised, load, v.SetFacts(store.Facts{}), v.Resume(), v.Err()} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("closed store: %v", err)
		}
	}
}

// agreesWithAMap does the same to a store and to maps.
func agreesWithAMap(t testing.TB, r *rapid.T, p Place) {
	v, want := enter(t, p), NewContents()
	defer v.Close()
	r.Repeat(map[string]func(*rapid.T){
		"commit": func(r *rapid.T) {
			b := store.Batch{Entries: crdttest.Entries().Draw(r, "entries"), Lazy: rapid.Bool().Draw(r, "lazy")}
			if rapid.Bool().Draw(r, "answer") {
				b.Answers = []store.Answer{{At: v.now, Data: rapid.SliceOf(rapid.Byte()).Draw(r, "data")}}
			}
			want.Apply(b)
			v.commit(b)
		},
		"raise":  func(*rapid.T) { v.raise(); want = NewContents() },
		"reopen": func(*rapid.T) { v.reopen() },
		"": func(r *rapid.T) {
			if got := Load(t, v.Store); !got.Equal(want) {
				r.Fatalf("the store holds\n%v\nwant\n%v", got, want)
			}
		},
	})
}
