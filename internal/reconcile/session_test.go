package reconcile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestTwoReplicasAreEqualAfterOneSession(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawReplica(t, "a"), drawReplica(t, "b")
		want := differing(a.state, b.state)
		left, right, err := run(t.Context(), a, b)
		if err != nil {
			t.Fatal(err)
		}
		if a.state.Summary() != b.state.Summary() {
			t.Fatalf("summaries differ: %+v, %+v", a.state.Summary(), b.state.Summary())
		}
		for _, r := range []Result{left, right} {
			if !r.Complete || r.Differed != want || r.Skipped != 0 {
				t.Errorf("result %+v, want complete, %d differed, none skipped", r, want)
			}
		}
		if left.EntriesIn != right.EntriesOut || left.EntriesOut != right.EntriesIn ||
			left.MessagesIn != right.MessagesOut || left.MessagesOut != right.MessagesIn {
			t.Errorf("the counts of %+v and %+v do not match", left, right)
		}
	})
}

func TestEqualReplicasNeedOneSmallMessageEachWay(t *testing.T) {
	a, b := newFakeReplica(1<<16), newFakeReplica(1<<16)
	for i := range 1000 {
		h := crdt.Hero{ID: crdttest.IDOf(i), Name: "Zoë", Location: crdt.Home, Health: 100}
		a.state.MergeHero(h)
		b.state.MergeHero(h)
	}
	left, right, err := run(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Result{left, right} {
		if !r.Complete || r.Differed != 0 || r.MessagesIn != 1 || r.MessagesOut != 1 {
			t.Errorf("result %+v, want complete after one message each way", r)
		}
	}
	bytesMax := 70
	if b, err := (Message{kind: KindHello, hello: left.Peer}).Encode(); err != nil || len(b) > bytesMax {
		t.Errorf("a hello takes %d bytes, want at most %d", len(b), bytesMax)
	}
}

func TestOnlyWhatTheOtherSideLacksIsPushed(t *testing.T) {
	a, b := newFakeReplica(1<<16), newFakeReplica(1<<16)
	for i := range 1000 {
		h := crdt.Hero{ID: crdttest.IDOf(i), Name: "Zoë", Location: crdt.Home, Health: 100}
		a.state.MergeHero(h)
		if i%100 != 0 {
			b.state.MergeHero(h)
		}
	}
	left, _, err := run(t.Context(), a, b)
	if err != nil || left.EntriesIn != 990 || left.EntriesOut != 10 {
		t.Errorf("result %+v, %v, want 990 entries in, 10 out", left, err)
	}
}

func TestWhatChangesMeanwhileDoesNotKeepASessionFromCompleting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawReplica(t, "a"), drawReplica(t, "b")
		before := []crdt.Entries{all(a.state), all(b.state)}
		for _, r := range []*fakeReplica{a, b} {
			r.before = func(string) { // others write between any two steps
				if rapid.IntRange(0, 2).Draw(t, "write") == 0 {
					r.state.Merge(crdttest.Entries().Draw(t, "meanwhile"), crdt.NoHorizon)
				}
			}
		}
		left, right, err := run(t.Context(), a, b)
		if err != nil {
			t.Fatal(err)
		}
		if !left.Complete || !right.Complete {
			t.Errorf("results %+v, %+v, want complete", left, right)
		}
		for _, r := range []*fakeReplica{a, b} {
			for _, e := range before {
				if lacks := r.state.Merge(e, crdt.NoHorizon).Changes; len(lacks) > 0 {
					t.Errorf("a side lacks what was held at the start: %+v", lacks)
				}
			}
		}
	})
}

func TestFutureHeroesAreSkippedAndCounted(t *testing.T) {
	const horizon = 2 // splits the small stamps of crdttest in two
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawReplica(t, "a"), drawReplica(t, "b")
		a.horizon, b.horizon = horizon, crdt.Stamp(rapid.Uint64Range(0, 4).Draw(t, "horizon of b"))
		differed, skipped := foresee(a, b)
		left, right, err := run(t.Context(), a, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []Result{left, right} {
			if !r.Complete || r.Differed != differed || r.Skipped != skipped {
				t.Errorf("result %+v, want complete, %d differed, %d skipped", r, differed, skipped)
			}
		}
		a.horizon, b.horizon = crdt.NoHorizon, crdt.NoHorizon // they are due
		left, _, err = run(t.Context(), a, b)
		if err != nil || left.Differed != skipped || a.state.Summary() != b.state.Summary() {
			t.Errorf("later %+v, %v, want the %d skipped ones to be taken", left, err, skipped)
		}
	})
}

// foresee counts what a session between a and b is to change and to skip.
func foresee(a, b *fakeReplica) (differed, skipped uint64) {
	for i := range crdttest.PoolIDs {
		id := crdttest.IDOf(i)
		left, right := a.state.Record(id), b.state.Record(id)
		if left == right {
			continue
		}
		winner, loser := left, b
		if wins(right, left) {
			winner, loser = right, a
		}
		if winner.Kind == crdt.KindHero && winner.Hero.Version.HLC > loser.horizon {
			skipped++
		} else {
			differed++
		}
	}
	return differed, skipped
}

func wins(r, over crdt.Record) bool {
	s := crdt.NewState()
	s.Merge(over.Entries(), crdt.NoHorizon)
	return len(s.Merge(r.Entries(), crdt.NoHorizon).Changes) > 0
}

// ends are the two ways in which an incarnation can end under a session: the
// replica fails, or (a replica that does not keep its promise) another
// incarnation answers in its place.
var ends = map[string]func(*fakeReplica){
	"fails":   func(r *fakeReplica) { r.ended = true },
	"changes": func(r *fakeReplica) { r.incarnation++; r.state = crdt.NewState() },
}

func TestASessionThatOutlivesAnIncarnationIsNotComplete(t *testing.T) {
	for _, how := range slices.Sorted(maps.Keys(ends)) {
		for _, side := range []string{"initiator", "responder"} {
			for at := 1; ; at++ { // operation 0 is the hello
				left, right, err, happened := runWithEnd(t, side, at, ends[how])
				if !happened {
					if at < 6 {
						t.Errorf("the session had only %d operations of the %s", at, side)
					}
					break
				}
				t.Run(fmt.Sprintf("%s %s at %d", side, how, at), func(t *testing.T) {
					wantIncomplete(t, side, left, right, err)
				})
			}
		}
	}
}

func wantIncomplete(t *testing.T, side string, left, right Result, err error) {
	t.Helper()
	if err == nil || left.Complete {
		t.Errorf("initiator: complete %t, %v", left.Complete, err)
	}
	if errors.Is(err, ErrProtocol) {
		t.Errorf("%v: it is nobody's fault", err)
	}
	if side == "responder" && right.Complete {
		t.Error("the responder thinks that the session is complete")
	}
}

// runWithEnd runs a session of several pages and pushes in which the at-th
// operation of one side finds its incarnation ended.
func runWithEnd(t *testing.T, side string, at int, end func(*fakeReplica)) (left, right Result, err error, happened bool) {
	t.Helper()
	a, b := newFakeReplica(200), newFakeReplica(200)
	for i := range 20 {
		h := crdt.Hero{ID: crdttest.IDOf(i), Name: "A", Location: crdt.Home, Health: 50}
		a.state.MergeHero(h)
		h.ID = crdttest.IDOf(100 + i)
		b.state.MergeHero(h)
	}
	victim := a
	if side == "responder" {
		victim = b
	}
	operations := 0
	victim.before = func(string) {
		if operations == at {
			happened = true
			end(victim)
		}
		operations++
	}
	left, right, err = run(t.Context(), a, b)
	return left, right, err, happened
}

func TestAPeerThatIsUnavailableSaysSo(t *testing.T) {
	a, b := newFakeReplica(200), newFakeReplica(200)
	b.ended = true
	i, r := NewInitiator(a), NewResponder(b)
	m, err := i.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer, done, err := r.Step(t.Context(), throughWire(m))
	if answer.Kind() != KindUnavailable || done || !errors.Is(err, errFakeEnded) {
		t.Fatalf("answer %v, %t, %v", answer, done, err)
	}
	if _, done, err := i.Step(t.Context(), throughWire(answer)); done || !errors.Is(err, ErrUnavailable) {
		t.Errorf("done %t, %v, want ErrUnavailable", done, err)
	}
	if i.Result().Complete || r.Result().Complete {
		t.Error("a side thinks that the session is complete")
	}
}

func TestAStateThatOutgrowsItsClaimEndsTheSessionWithoutBlame(t *testing.T) {
	for _, side := range []string{"initiator", "responder"} {
		t.Run(side, func(t *testing.T) {
			a, b := newFakeReplica(1<<16), newFakeReplica(1<<16)
			b.state.MergeHero(crdt.Hero{ID: crdttest.IDOf(0), Name: "A", Location: crdt.Home, Health: 50})
			grows := a
			if side == "responder" {
				grows = b
			}
			greeted := false
			grows.before = func(op string) {
				if op != "page" || greeted {
					return
				}
				greeted = true
				for n := range growthSlack + 10 {
					grows.state.MergeTombstone(crdt.Tombstone{ID: crdttest.IDOf(n + 1)})
				}
			}
			left, right, err := run(t.Context(), a, b)
			if err == nil || left.Complete || right.Complete || errors.Is(err, ErrProtocol) {
				t.Fatalf("%+v, %+v, %v", left, right, err)
			}
			if left, _, err = run(t.Context(), a, b); err != nil || !left.Complete {
				t.Errorf("the next session: %+v, %v, want complete", left, err)
			}
		})
	}
}

func drawReplica(t *rapid.T, label string) *fakeReplica {
	r := newFakeReplica(rapid.IntRange(1, 600).Draw(t, label+" page bytes"))
	for _, e := range rapid.SliceOfN(crdttest.Entries(), 0, 4).Draw(t, label) {
		r.state.Merge(e, crdt.NoHorizon)
	}
	return r
}
