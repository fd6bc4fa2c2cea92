package storetest

import (
	"sync"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"pgregory.net/rapid"
)

// A KillablePlace is a Place at which a process can be killed, with the machine's
// power: what was not synced is lost.
type KillablePlace interface {
	Place
	// Kill has the store that is open acknowledge nothing more.
	Kill()
}

// RunKills runs the suite of what any store must do at a kill; fresh returns a new
// place, at which nothing survives that was not synced.
func RunKills(t *testing.T, fresh func(testing.TB) KillablePlace) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *visit)
	}{
		{"what was acknowledged survives", whatWasAcknowledgedSurvives},
		{"what was lazy is lost", whatWasLazyIsLost},
		{"a sync holds for all before it", aSyncHoldsForAllBeforeIt},
		{"an end keeps what was lazy", anEndKeepsWhatWasLazy},
		{"facts survive", factsSurvive},
		{"an epoch survives", anEpochSurvives},
		{"a killed store acknowledges nothing", aKilledStoreAcknowledgesNothing},
		{"a kill between commits", aKillBetweenCommits},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, enter(t, fresh(t))) })
	}
	t.Run("agrees with a map", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) { killsAgreeWithAMap(t, r, fresh(t)) })
	})
}

// killed kills the process and opens the store again.
func (v *visit) killed() {
	v.t.Helper()
	v.place.(KillablePlace).Kill()
	_ = v.Close() // ends goroutines; it cannot end well
	v.open()
}

// contain fails the test unless the store holds that.
func (v *visit) contain(want Contents) {
	v.t.Helper()
	if got := Load(v.t, v.Store); !got.Equal(want) {
		v.t.Fatalf("the store holds\n%v\nwant\n%v", got, want)
	}
}

// one is a batch of one hero.
func one(n int, lazy bool) store.Batch {
	return store.Batch{Entries: crdt.Entries{Heroes: []crdt.Hero{Hero(n, 1)}}, Lazy: lazy}
}

func holding(batches ...store.Batch) Contents {
	c := NewContents()
	for _, b := range batches {
		c.Apply(b)
	}
	return c
}

func whatWasAcknowledgedSurvives(_ *testing.T, v *visit) {
	answer := store.Batch{Answers: []store.Answer{{Number: 1, Caller: "a", Data: []byte{1}}}}
	v.commit(one(1, false))
	v.commit(answer)
	v.killed()
	v.contain(holding(one(1, false), answer))
}

func whatWasLazyIsLost(_ *testing.T, v *visit) {
	v.commit(one(1, false))
	v.commit(one(2, true))
	v.contain(holding(one(1, false), one(2, true)))
	v.killed()
	v.contain(holding(one(1, false)))
	v.killed()
	v.contain(holding(one(1, false)))
}

func aSyncHoldsForAllBeforeIt(_ *testing.T, v *visit) {
	v.commit(one(1, true))
	v.commit(one(2, false))
	v.commit(one(3, true))
	v.killed()
	v.contain(holding(one(1, true), one(2, false)))
}

func anEndKeepsWhatWasLazy(_ *testing.T, v *visit) {
	v.commit(one(1, true))
	v.reopen()
	v.killed()
	v.contain(holding(one(1, true)))
}

func factsSurvive(t *testing.T, v *visit) {
	want := store.Facts{Since: 3, Incarnation: 5}
	if err := v.SetFacts(want); err != nil {
		t.Fatal(err)
	}
	v.killed()
	if got := v.Facts(); got != want {
		t.Errorf("facts %v, want %v", got, want)
	}
}

func anEpochSurvives(t *testing.T, v *visit) {
	v.commit(one(1, false))
	v.raise()
	v.killed()
	if v.Epoch() != 2 {
		t.Errorf("epoch %d, want 2", v.Epoch())
	}
	v.contain(NewContents())
}

func aKilledStoreAcknowledgesNothing(t *testing.T, v *visit) {
	v.place.(KillablePlace).Kill()
	b := one(1, false)
	b.Epoch = v.Epoch()
	_, raised := v.Raise()
	for what, err := range map[string]error{"commit": v.Commit(b), "raise": raised, "facts": v.SetFacts(store.Facts{Since: 1})} {
		if err == nil {
			t.Errorf("%s was acknowledged", what)
		}
	}
	v.killed()
	if v.Epoch() != 1 || v.Facts() != (store.Facts{}) {
		t.Errorf("epoch %d, facts %v", v.Epoch(), v.Facts())
	}
	v.contain(NewContents())
}

// aKillBetweenCommits kills while callers commit, each time after another number of
// acknowledgements.
func aKillBetweenCommits(t *testing.T, v *visit) {
	const kills = 20
	for kill := range kills {
		var known []int
		for id := range commitUntilRefused(v.Store, kill) {
			if known = append(known, id); len(known) == 1+5*kill {
				v.place.(KillablePlace).Kill()
			}
		}
		v.killed()
		got := Load(t, v.Store)
		for _, id := range known {
			if h := Hero(id, 1); got.Heroes[h.ID] != h {
				t.Errorf("hero %d was acknowledged and is lost", id)
			}
		}
	}
}

// commitUntilRefused has callers commit heroes until they are refused, and tells those
// that were acknowledged. Each round has heroes of its own.
func commitUntilRefused(s *store.Store, round int) <-chan int {
	const callers, each = 8, 1000
	acked := make(chan int)
	var done sync.WaitGroup
	for c := range callers {
		done.Go(func() {
			for i := range each {
				b := one((round*callers+c)*each+i, false)
				b.Epoch = s.Epoch()
				if s.Commit(b) != nil {
					return
				}
				acked <- (round*callers+c)*each + i
			}
		})
	}
	go func() { done.Wait(); close(acked) }()
	return acked
}

// killsAgreeWithAMap does the same to a store and to maps: what shows, and what is
// durable.
func killsAgreeWithAMap(t testing.TB, r *rapid.T, p KillablePlace) {
	v, shown, durable := enter(t, p), NewContents(), NewContents()
	defer v.Close()
	n := 0
	r.Repeat(map[string]func(*rapid.T){
		"commit": func(r *rapid.T) {
			n++
			b := one(n%5, rapid.Bool().Draw(r, "lazy"))
			b.Entries.Heroes[0] = Hero(n%5, n)
			shown.Apply(b)
			v.commit(b)
			if !b.Lazy {
				durable = shown.Clone()
			}
		},
		"raise":  func(*rapid.T) { v.raise(); shown, durable = NewContents(), NewContents() },
		"reopen": func(*rapid.T) { v.reopen(); durable = shown.Clone() },
		"kill":   func(*rapid.T) { v.killed(); shown = durable.Clone() },
		"":       func(*rapid.T) { v.contain(shown) },
	})
}
