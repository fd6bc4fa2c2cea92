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
		var s transcript
		err := s.play(t.Context(), a, b, drawOptions(t))
		if err != nil {
			t.Fatal(err)
		}
		if a.state.Summary() != b.state.Summary() {
			t.Fatalf("summaries differ: %+v, %+v", a.state.Summary(), b.state.Summary())
		}
		for _, r := range []Result{s.left, s.right} {
			if !r.Complete || r.Differed != want || r.Skipped != 0 {
				t.Errorf("result %+v, want complete, %d differed, none skipped", r, want)
			}
		}
		if s.left.EntriesIn != s.right.EntriesOut || s.left.EntriesOut != s.right.EntriesIn ||
			s.left.MessagesIn != s.right.MessagesOut || s.left.MessagesOut != s.right.MessagesIn {
			t.Errorf("the counts of %+v and %+v do not match", s.left, s.right)
		}
	})
}

func drawOptions(t *rapid.T) Options {
	return Options{
		Salt:     rapid.Uint64().Draw(t, "salt"),
		Audit:    rapid.SampledFrom([]uint64{0, 0, 7}).Draw(t, "audit"),
		BulkOver: rapid.SampledFrom([]int{1, 3, 0}).Draw(t, "bulk over"),
	}
}

func TestEqualReplicasNeedOneSmallMessageEachWay(t *testing.T) {
	a, b := replicaOf(1<<16, heroes(0, 1000)), replicaOf(1<<16, heroes(0, 1000))
	var s transcript
	if err := s.play(t.Context(), a, b, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []Result{s.left, s.right} {
		if !r.Complete || r.Differed != 0 || r.MessagesIn != 1 || r.MessagesOut != 1 {
			t.Errorf("result %+v, want complete after one message each way", r)
		}
	}
	if bytesMax := 140; s.bytes > bytesMax {
		t.Errorf("both take %d bytes, want at most %d", s.bytes, bytesMax)
	}
}

// TestTheCostIsThatOfTheDifference looks at all bytes of a session but those of
// the entries themselves, for differences on one side and on both.
func TestTheCostIsThatOfTheDifference(t *testing.T) {
	const size = 20_000
	for _, row := range []struct{ d, bytesMax int }{{10, 1_000}, {100, 3_500}, {1_000, 24_000}, {4_000, 90_000}} {
		for _, mine := range []int{0, row.d / 2, row.d} {
			bytesMax := row.bytesMax + symbolBytes*(row.d-mine)
			t.Run(fmt.Sprintf("%d of %d mine", mine, row.d), func(t *testing.T) {
				a := replicaOf(1<<16, heroes(0, size), heroes(size, mine))
				b := replicaOf(1<<16, heroes(0, size), heroes(2*size, row.d-mine))
				var s transcript
				if err := s.play(t.Context(), a, b, Options{}); err != nil {
					t.Fatal(err)
				}
				if s.left.Differed != uint64(row.d) || s.left.Bulk || a.state.Summary() != b.state.Summary() {
					t.Fatalf("result %+v, want %d differed, found by a sketch", s.left, row.d)
				}
				entries := 0
				for _, m := range s.sent {
					for _, h := range m.entries.Heroes {
						entries += crdt.HeroSize(h)
					}
				}
				if cost := s.bytes - entries; cost > bytesMax {
					t.Errorf("finding took %d bytes, want at most %d: %v", cost, bytesMax, s.sent)
				}
			})
		}
	}
}

func TestANearlyEmptyReplicaTakesTheWholeState(t *testing.T) {
	const size = 5000
	for _, row := range []struct {
		name string
		a, b *fakeReplica
	}{
		{"an empty initiator", replicaOf(1 << 16), replicaOf(1<<16, heroes(0, size))},
		{"an empty responder", replicaOf(1<<16, heroes(0, size)), replicaOf(1 << 16)},
		{"each has some of its own", replicaOf(1<<16, heroes(size, 20)), replicaOf(1<<16, heroes(0, size))},
		{"the responder has few", replicaOf(1<<16, heroes(0, size)), replicaOf(1<<16, heroes(size, 20))},
		{"nothing in common", replicaOf(1<<16, heroes(0, size)), replicaOf(1<<16, heroes(size, size))},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := []crdt.Entries{all(row.a.state), all(row.b.state)}
			encoded := len(crdt.AppendEntries(crdt.AppendEntries(nil, before[0]), before[1]))
			var s transcript
			if err := s.play(t.Context(), row.a, row.b, Options{}); err != nil {
				t.Fatal(err)
			}
			if !s.left.Complete || !s.left.Bulk || row.a.state.Summary() != row.b.state.Summary() {
				t.Fatalf("result %+v", s.left)
			}
			common := 0 // what was pulled is pushed back where little is common
			if row.name == "nothing in common" {
				common = encoded / 2
			}
			if s.bytes > encoded*11/10+common+4096 {
				t.Errorf("%d bytes for %d of entries", s.bytes, encoded)
			}
		})
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
		var s transcript
		if err := s.play(t.Context(), a, b, drawOptions(t)); errors.Is(err, ErrMoving) {
			return // these writers are faster than any network
		} else if err != nil {
			t.Fatal(err)
		}
		if !s.left.Complete || !s.right.Complete {
			t.Errorf("results %+v, %+v, want complete", s.left, s.right)
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

// TestAnEntryThatIsReplacedBeforeItIsFetchedIsFollowed covers both the symbols
// that a state remembers and those that it has forgotten.
func TestAnEntryThatIsReplacedBeforeItIsFetchedIsFollowed(t *testing.T) {
	for _, rewrites := range []int{1, 10_000} {
		for _, side := range []string{"initiator", "responder"} {
			t.Run(fmt.Sprintf("%d rewrites at the %s", rewrites, side), func(t *testing.T) {
				a, b := replicaOf(1<<16, heroes(0, 100)), replicaOf(1<<16, heroes(0, 100))
				busy := a
				if side == "responder" {
					busy = b
				}
				h := heroes(200, 1).Heroes[0]
				busy.state.MergeHero(h)
				found := false
				busy.before = func(op string) {
					if op != "find" || found {
						return
					}
					found = true
					for range rewrites {
						h.Version.HLC++
						busy.state.MergeHero(h)
					}
				}
				left, right, err := run(t.Context(), a, b)
				if err != nil || !left.Complete || !right.Complete || a.state.Summary() != b.state.Summary() {
					t.Errorf("%+v, %+v, %v", left, right, err)
				}
			})
		}
	}
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

func TestWhatIsNotDueIsNeitherAskedForNorSent(t *testing.T) {
	now := crdt.Stamp(1) << 40
	late := heroes(0, 10)
	for i := range late.Heroes {
		late.Heroes[i].Version.HLC = now.Add(2 * crdt.FutureSkewMax)
	}
	a, b := replicaOf(1<<16, heroes(100, 50)), replicaOf(1<<16, heroes(100, 50), late)
	for _, r := range []*fakeReplica{a, b} {
		r.now, r.horizon = now, now.Add(crdt.FutureSkewMax)
	}
	var deferred Deferred
	for round := range 3 {
		var s transcript
		if err := s.play(t.Context(), a, b, Options{Deferred: &deferred}); err != nil {
			t.Fatal(err)
		}
		for _, h := range s.left.Future {
			deferred.Add(h, now)
		}
		if want := map[int]uint64{0: 10}[round]; !s.left.Complete || s.left.Skipped != 10 || s.left.EntriesIn != want {
			t.Errorf("round %d: %+v, want %d entries in, 10 skipped", round, s.left, want)
		}
	}
	left, _, err := run(t.Context(), b, a)
	if err != nil || !left.Complete || left.Skipped != 10 || left.EntriesOut != 0 {
		t.Errorf("the other way: %+v, %v, want nothing sent", left, err)
	}
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
		for _, bulk := range []bool{false, true} {
			for _, side := range []string{"initiator", "responder"} {
				for at := 1; ; at++ { // operation 0 is the first view
					s, err, happened := runWithEnd(t, side, bulk, at, ends[how])
					if !happened {
						if at < 3 {
							t.Errorf("the session had only %d operations of the %s", at, side)
						}
						break
					}
					t.Run(fmt.Sprintf("%s %s at %d, bulk %t", side, how, at, bulk), func(t *testing.T) {
						wantIncomplete(t, side, s, err)
					})
				}
			}
		}
	}
}

func wantIncomplete(t *testing.T, side string, s transcript, err error) {
	t.Helper()
	if err == nil || s.left.Complete {
		t.Errorf("initiator: complete %t, %v", s.left.Complete, err)
	}
	if errors.Is(err, ErrProtocol) {
		t.Errorf("%v: it is nobody's fault", err)
	}
	if side == "responder" && s.right.Complete {
		t.Error("the responder thinks that the session is complete")
	}
}

// runWithEnd runs a session in which the at-th operation of one side finds its
// incarnation ended.
func runWithEnd(t *testing.T, side string, bulk bool, at int, end func(*fakeReplica)) (s transcript, err error, happened bool) {
	t.Helper()
	a, b := replicaOf(200, heroes(0, 30)), replicaOf(200, heroes(100, 30))
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
	o := Options{}
	if bulk {
		o.BulkOver = 1
	}
	err = s.play(t.Context(), a, b, o)
	return s, err, happened
}

// TestASessionCutAnywhereIsNotCompleteAndTheNextOneIs also resumes bulk
// transfers, which must not begin anew.
func TestASessionCutAnywhereIsNotCompleteAndTheNextOneIs(t *testing.T) {
	for _, bulk := range []int{1, 0} {
		for cut := 1; ; cut++ {
			a, b := replicaOf(400, heroes(1000, 40)), replicaOf(400, heroes(0, 60))
			s := transcript{cut: cut}
			err := s.play(t.Context(), a, b, Options{BulkOver: bulk})
			if err == nil {
				if cut < 5 {
					t.Errorf("only %d messages", cut)
				}
				break
			}
			if !errors.Is(err, errCut) || s.left.Complete {
				t.Fatalf("cut at %d: %+v, %v", cut, s.left, err)
			}
			taken := a.state.Summary().Heroes - 40
			var next transcript
			if err := next.play(t.Context(), a, b, Options{BulkOver: bulk, Bookmark: s.mark}); err != nil {
				t.Fatal(err)
			}
			if !next.left.Complete || a.state.Summary() != b.state.Summary() {
				t.Errorf("cut at %d, the next session: %+v", cut, next.left)
			}
			if s.mark.Cursor != 0 && next.left.EntriesIn > 60-taken {
				t.Errorf("cut at %d after %d entries, then %d more came of 60", cut, taken, next.left.EntriesIn)
			}
		}
	}
}

func TestAPeerThatIsUnavailableSaysSo(t *testing.T) {
	a, b := newFakeReplica(200), newFakeReplica(200)
	b.ended = true
	i, r := NewInitiator(a, Options{}), NewResponder(b)
	m, err := i.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := r.Step(t.Context(), throughWire(m))
	if answer.Kind() != KindUnavailable || !errors.Is(err, errFakeEnded) {
		t.Fatalf("answer %v, %v", answer, err)
	}
	if _, err := i.Step(t.Context(), throughWire(answer)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	if i.Result().Complete || r.Result().Complete {
		t.Error("a side thinks that the session is complete")
	}
}

func TestAStateThatOutgrowsItsClaimEndsTheSessionWithoutBlame(t *testing.T) {
	for _, side := range []string{"initiator", "responder"} {
		t.Run(side, func(t *testing.T) {
			a, b := replicaOf(1<<16, heroes(0, 200)), replicaOf(1<<16, heroes(1000, 200))
			grows := a
			if side == "responder" {
				grows = b
			}
			grown := false
			grows.before = func(op string) {
				if op != "page" || grown {
					return
				}
				grown = true
				for n := range growthSlack + 1000 {
					grows.state.MergeTombstone(crdt.Tombstone{ID: crdttest.IDOf(n + 2000)})
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

// What an incarnation that began later holds is not what the session's own side
// said that it holds.
func TestASessionLooksAtTheIncarnationThatBeganIt(t *testing.T) {
	for _, peer := range []foe{newFoe(crowdOf(50, 3)), newFoe(crowdOf(50, 40))} {
		i := initiatorAt(t, Options{})
		i.replica.(*fakeReplica).incarnation++
		if err := stepInitiator(t, i, peer.differ()); !errors.Is(err, ErrEnded) {
			t.Errorf("an initiator: %v, want ErrEnded", err)
		}
		own := replicaOf(1<<16, crowdOf(0, 2))
		r := NewResponder(own)
		if _, err := stepResponder(t, r, Message{kind: KindHello, hello: peer.hello()}); err != nil {
			t.Fatal(err)
		}
		own.incarnation++
		answers, err := stepResponder(t, r, Message{kind: KindAsk, cells: 256})
		if !errors.Is(err, ErrEnded) {
			t.Errorf("a responder: %v, %v, want ErrEnded", answers, err)
		}
	}
}

// A responder whose summary is equal is done, until it is asked for an audit.
func TestAnAuditReopensASessionOfEqualSummaries(t *testing.T) {
	peer := newFoe(crowdOf(0, 2))
	hello := Message{kind: KindHello, hello: peer.hello()}
	ask := Message{kind: KindAsk, cells: 256, audit: Audit{Salt: 1, Parts: 1}}
	for _, row := range []struct {
		after    []Message
		complete bool
	}{
		{[]Message{hello}, true},
		{[]Message{hello, ask}, false},
		{[]Message{hello, ask, {kind: KindDone}}, true},
		{[]Message{hello, {kind: KindWant}}, false}, // a violation
	} {
		r := NewResponder(replicaOf(1<<16, crowdOf(0, 2)))
		for _, m := range row.after {
			if _, err := stepResponder(t, r, m); err != nil && m.kind != KindWant {
				t.Fatal(err)
			}
		}
		if r.Result().Complete != row.complete {
			t.Errorf("after %v complete is %t", row.after, r.Result().Complete)
		}
	}
}

// Whether a hero is due is told by the clock of the side that would take it.
func TestTheOwnClockSaysWhatIsNotAskedFor(t *testing.T) {
	now := crdt.Stamp(1) << 40
	late := heroes(0, 10)
	for i := range late.Heroes {
		late.Heroes[i].Version.HLC = now.Add(2 * crdt.FutureSkewMax)
	}
	a, b := replicaOf(1<<16), replicaOf(1<<16, late)
	a.now, a.horizon = now, now.Add(crdt.FutureSkewMax)
	b.now = now.Add(2 * crdt.FutureSkewMax)
	var deferred Deferred
	for _, h := range late.Heroes {
		deferred.Add(h, now)
	}
	var s transcript
	if err := s.play(t.Context(), a, b, Options{Deferred: &deferred}); err != nil {
		t.Fatal(err)
	}
	if s.left.EntriesIn != 0 || s.left.Skipped != 10 {
		t.Errorf("%+v, want none in and 10 skipped", s.left)
	}
}
