package reconcile

import (
	"errors"
	"fmt"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// oneOfEach is a message of each kind.
func oneOfEach(h Hello, e crdt.Entries) []Message {
	return []Message{
		{},
		{kind: KindHello, hello: h},
		{kind: KindSame, hello: h},
		{kind: KindDiffer, hello: h},
		{kind: KindPull},
		{kind: KindPage, incarnation: h.Incarnation, entries: e},
		{kind: KindPush, entries: e},
		{kind: KindPushed, incarnation: h.Incarnation},
		{kind: KindDone},
		{kind: KindAgreed, incarnation: h.Incarnation},
	}
}

// crowdOf has tombstones for the IDs from first on.
func crowdOf(first, n int) crdt.Entries {
	var e crdt.Entries
	for i := range n {
		e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: crdttest.IDOf(first + i)})
	}
	return e
}

func replicaWith(e crdt.Entries, pageBytes int) *fakeReplica {
	r := newFakeReplica(pageBytes)
	r.state.Merge(e, crdt.NoHorizon)
	return r
}

func TestAnInitiatorTakesOnlyTheAnswerThatIsDue(t *testing.T) {
	// Each row is a session up to a point, and the kinds that may come then.
	peer := Hello{Incarnation: 9, Summary: replicaWith(crowdOf(50, 3), 1).state.Summary()}
	differ := Message{kind: KindDiffer, hello: peer}
	page := Message{kind: KindPage, incarnation: 9, entries: crowdOf(50, 3)}
	pushed := Message{kind: KindPushed, incarnation: 9, changed: 2}
	for _, row := range []struct {
		at     string
		before []Message
		due    Kind
	}{
		{"greeting", nil, KindDiffer},
		{"pulling", []Message{differ}, KindPage},
		{"pushing", []Message{differ, page}, KindPushed},
		{"closing", []Message{differ, page, pushed}, KindAgreed},
		{"over", []Message{differ, page, pushed, {kind: KindAgreed, incarnation: 9}}, 0},
	} {
		for _, m := range oneOfEach(peer, crowdOf(50, 3)) {
			t.Run(fmt.Sprintf("%s %s", row.at, m), func(t *testing.T) {
				i := NewInitiator(replicaWith(crowdOf(0, 2), 1<<16))
				begin(t, i)
				for _, before := range row.before {
					if _, _, err := i.Step(t.Context(), before); err != nil {
						t.Fatal(err)
					}
				}
				_, _, err := i.Step(t.Context(), m)
				if taken := err == nil; taken != (m.kind == row.due && row.due != 0) {
					t.Errorf("Step = %v", err)
				} else if !taken && !errors.Is(err, ErrProtocol) {
					t.Errorf("Step = %v, want ErrProtocol", err)
				}
				wantOver(t, err, func() error { _, _, err := i.Step(t.Context(), m); return err })
			})
		}
	}
}

func TestAResponderTakesOnlyTheRequestThatIsDue(t *testing.T) {
	peer := Hello{Incarnation: 9, Summary: replicaWith(crowdOf(50, 3), 1).state.Summary()}
	hello := Message{kind: KindHello, hello: peer}
	pull := Message{kind: KindPull}
	push := Message{kind: KindPush, entries: crowdOf(50, 3)}
	done := Message{kind: KindDone}
	for _, row := range []struct {
		at     string
		before []Message
		due    []Kind
	}{
		{"start", nil, []Kind{KindHello}},
		{"greeted", []Message{hello}, []Kind{KindPull}},
		{"pulled", []Message{hello, pull}, []Kind{KindPush, KindDone}},
		{"pushed", []Message{hello, pull, push}, []Kind{KindPush, KindDone}},
		{"over", []Message{hello, pull, push, done}, nil},
	} {
		for _, m := range oneOfEach(peer, crowdOf(50, 3)) {
			t.Run(fmt.Sprintf("%s %s", row.at, m), func(t *testing.T) {
				r := NewResponder(replicaWith(crowdOf(0, 2), 1<<16))
				for _, before := range row.before {
					if _, _, err := r.Step(t.Context(), before); err != nil {
						t.Fatal(err)
					}
				}
				due := false
				for _, kind := range row.due {
					due = due || kind == m.kind
				}
				out, _, err := r.Step(t.Context(), m)
				switch {
				case due && (err != nil || out.IsZero()):
					t.Errorf("Step = %v, %v, want an answer", out, err)
				case !due && (!errors.Is(err, ErrProtocol) || !out.IsZero()):
					t.Errorf("Step = %v, %v, want ErrProtocol and no answer", out, err)
				}
				wantOver(t, err, func() error { _, _, err := r.Step(t.Context(), m); return err })
			})
		}
	}
}

// wantOver checks that after an error the session stays over.
func wantOver(t *testing.T, err error, again func() error) {
	t.Helper()
	if err != nil && !errors.Is(again(), ErrProtocol) {
		t.Error("the session goes on after an error")
	}
}

func begin(t *testing.T, i *Initiator) {
	t.Helper()
	if _, err := i.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A hostile responder answers pulls as it likes; page gives its n-th answer.
func TestAHostileResponderIsGivenUp(t *testing.T) {
	const claimed = 1000
	for _, row := range []struct {
		name     string
		page     func(n int) Message
		pagesMax int
	}{
		{"pages without end", func(n int) Message {
			return Message{entries: crowdOf(n*512, 512), cursor: crdt.Cursor(n + 1), more: true}
		}, (growthFactor*claimed+growthSlack)/512 + 1},
		{"the same entries without end", func(n int) Message {
			return Message{entries: crowdOf(0, 512), cursor: crdt.Cursor(n + 1), more: true}
		}, (growthFactor*claimed+growthSlack)/512 + 1},
		{"two cursors in turn", func(n int) Message {
			return Message{entries: crowdOf(0, 512), cursor: crdt.Cursor(n%2 + 1), more: true}
		}, (growthFactor*claimed+growthSlack)/512 + 1},
		{"the cursor that was asked", func(n int) Message {
			return Message{entries: crowdOf(n*4, 4), cursor: 5, more: true}
		}, 2},
		{"an empty page with more to come", func(n int) Message {
			return Message{cursor: crdt.Cursor(n + 1), more: true}
		}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			i := NewInitiator(newFakeReplica(1 << 16))
			begin(t, i)
			claim := Hello{Incarnation: 9, Summary: crdt.Summary{Heroes: claimed}}
			_, _, err := i.Step(t.Context(), Message{kind: KindDiffer, hello: claim})
			pages := 0
			for ; err == nil; pages++ {
				m := row.page(pages)
				m.kind, m.incarnation = KindPage, 9
				_, _, err = i.Step(t.Context(), m)
			}
			if !errors.Is(err, ErrProtocol) || pages > row.pagesMax {
				t.Errorf("%v after %d pages, want ErrProtocol after at most %d", err, pages, row.pagesMax)
			}
		})
	}
}

func TestAnImpossibleClaimIsRefused(t *testing.T) {
	claims := []crdt.Summary{{Heroes: claimMax + 1}, {Tombstones: 1<<64 - 1}}
	for _, claim := range claims {
		hello := Hello{Incarnation: 9, Summary: claim}
		i := NewInitiator(newFakeReplica(1))
		begin(t, i)
		if _, _, err := i.Step(t.Context(), Message{kind: KindDiffer, hello: hello}); !errors.Is(err, ErrProtocol) {
			t.Errorf("initiator, claim %+v: %v", claim, err)
		}
		r := NewResponder(newFakeReplica(1))
		if _, _, err := r.Step(t.Context(), Message{kind: KindHello, hello: hello}); !errors.Is(err, ErrProtocol) {
			t.Errorf("responder, claim %+v: %v", claim, err)
		}
	}
}

func TestEqualSummariesMustBeAnsweredWithSameAndOthersWithDiffer(t *testing.T) {
	own := replicaWith(crowdOf(0, 2), 1<<16)
	equal := Hello{Incarnation: 9, Summary: own.state.Summary()}
	other := Hello{Incarnation: 9}
	for _, m := range []Message{
		{kind: KindSame, hello: other},
		{kind: KindDiffer, hello: equal},
	} {
		i := NewInitiator(own)
		begin(t, i)
		if _, done, err := i.Step(t.Context(), m); done || !errors.Is(err, ErrProtocol) || i.Result().Complete {
			t.Errorf("%v: done %t, %v", m, done, err)
		}
	}
}

func TestNobodyCountsMoreThanWasSent(t *testing.T) {
	for _, counts := range [][2]uint64{{3, 0}, {0, 3}, {2, 1}, {1<<64 - 1, 2}, {2, 1<<64 - 1}} {
		m := Message{kind: KindPushed, incarnation: 9, changed: counts[0], skipped: counts[1]}
		i := NewInitiator(replicaWith(crowdOf(0, 2), 1<<16))
		begin(t, i)
		for _, before := range []Message{
			{kind: KindDiffer, hello: Hello{Incarnation: 9}},
			{kind: KindPage, incarnation: 9},
		} {
			if _, _, err := i.Step(t.Context(), before); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := i.Step(t.Context(), m); !errors.Is(err, ErrProtocol) {
			t.Errorf("%v of 2 entries: %v", m, err)
		}
		r := NewResponder(replicaWith(crowdOf(0, 2), 1<<16))
		for _, before := range []Message{{kind: KindHello}, {kind: KindPull}} {
			if _, _, err := r.Step(t.Context(), before); err != nil {
				t.Fatal(err)
			}
		}
		m.kind = KindDone
		if _, done, err := r.Step(t.Context(), m); done || !errors.Is(err, ErrProtocol) {
			t.Errorf("%v of 2 entries: %t, %v", m, done, err)
		}
	}
}

func TestAHostileInitiatorIsGivenUp(t *testing.T) {
	claim := Message{kind: KindHello, hello: Hello{Incarnation: 9, Summary: crdt.Summary{Heroes: 1000}}}
	for _, row := range []struct {
		name        string
		request     func(n int) Message
		requestsMax int
	}{
		{"the first page again and again", func(int) Message { return Message{kind: KindPull} }, 2},
		{"a cursor of its own", func(int) Message { return Message{kind: KindPull, cursor: 1 << 40} }, 1},
		{"pushes without end", func(n int) Message {
			return Message{kind: KindPush, entries: crowdOf(n*512, 512)}
		}, (growthFactor*1000+growthSlack)/512 + 1},
		{"an empty push", func(int) Message { return Message{kind: KindPush} }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			replica := replicaWith(crowdOf(0, 100), 200)
			r := NewResponder(replica)
			_, _, err := r.Step(t.Context(), claim)
			if row.request(0).kind == KindPush {
				for cursor, more := crdt.Cursor(0), true; more; {
					var page Message
					page, _, err = r.Step(t.Context(), Message{kind: KindPull, cursor: cursor})
					cursor, more = page.cursor, page.more
				}
			}
			requests := 0
			for ; err == nil; requests++ {
				_, _, err = r.Step(t.Context(), row.request(requests))
			}
			if !errors.Is(err, ErrProtocol) || requests > row.requestsMax {
				t.Errorf("%v after %d requests, want ErrProtocol after at most %d", err, requests, row.requestsMax)
			}
		})
	}
}

func TestAnAnswerOfAnotherIncarnationEndsTheSessionWithoutBlame(t *testing.T) {
	i := NewInitiator(newFakeReplica(1))
	begin(t, i)
	if _, _, err := i.Step(t.Context(), Message{kind: KindDiffer, hello: Hello{Incarnation: 9, Summary: crdt.Summary{Heroes: 1}}}); err != nil {
		t.Fatal(err)
	}
	_, _, err := i.Step(t.Context(), Message{kind: KindPage, incarnation: 10})
	if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrProtocol) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}
