package reconcile

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/crdt/sketch"
)

// blindReplica keeps the sketch of other entries than it has, or claims another
// summary, as if entries had been made to collide.
type blindReplica struct {
	*fakeReplica
	seen    *crdt.State   // what the kept sketch is of
	summary *crdt.Summary // what is claimed, if not that of the state
}

func (r blindReplica) View(ctx context.Context, q Query) (View, error) {
	v, err := r.fakeReplica.View(ctx, q)
	if r.summary != nil {
		v.Hello.Summary = *r.summary
	}
	if q.Audit.IsZero() && q.Cells > 0 {
		v.Cells = r.seen.AppendCells(nil, q.Cells)
	}
	return v, err
}

func TestWhatTheKeptSketchDoesNotShowIsFoundByAnAudit(t *testing.T) {
	a := replicaOf(1<<16, heroes(0, 500), heroes(2000, 3))
	b := replicaOf(1<<16, heroes(0, 500), heroes(1000, 3))
	blind := blindReplica{fakeReplica: b, seen: replicaOf(1<<16, heroes(0, 500), heroes(2000, 3)).state}
	var s transcript
	if err := s.play(t.Context(), a, blind, Options{Salt: 5}); err != nil {
		t.Fatal(err)
	}
	if !s.left.Complete || s.left.Bulk || s.left.Differed != 6 || a.state.Summary() != b.state.Summary() {
		t.Errorf("%+v", s.left)
	}
}

// One of the twins here, the other there, alone or among other differences: the
// sketch shows neither. Where it shows others, the twins are all that is left for
// the next session.
func TestTwinsThatShareASymbolAreFound(t *testing.T) {
	one, other := crdttest.Twins()
	for _, differ := range []int{0, 1, 300} {
		a := replicaOf(1<<16, heroes(0, 500), heroes(2000, differ), crdt.Entries{Tombstones: []crdt.Tombstone{one}})
		b := replicaOf(1<<16, heroes(0, 500), heroes(3000, differ), crdt.Entries{Tombstones: []crdt.Tombstone{other}})
		for range 2 {
			left, _, err := run(t.Context(), a, b)
			if err != nil || !left.Complete {
				t.Fatalf("%+v, %v", left, err)
			}
		}
		if a.state.Summary() != b.state.Summary() || a.state.Summary().Tombstones != 2 {
			t.Errorf("%d others: %+v and %+v", differ, a.state.Summary(), b.state.Summary())
		}
	}
}

// A replica that has both tells both to whoever asks for the symbol.
func TestBothTwinsAreSentToWhoHasNeither(t *testing.T) {
	one, other := crdttest.Twins()
	a := replicaOf(1<<16, heroes(0, 500), crdt.Entries{Tombstones: []crdt.Tombstone{one, other}})
	b := replicaOf(1<<16, heroes(0, 500))
	left, _, err := run(t.Context(), a, b)
	if err != nil || !left.Complete || a.state.Summary() != b.state.Summary() {
		t.Errorf("%+v, %v", left, err)
	}
}

func TestASampleAuditFindsWhatEqualSummariesHide(t *testing.T) {
	a := replicaOf(1<<16, heroes(0, 2000))
	claim := a.state.Summary()
	found := false
	for salt := uint64(1); salt < 500 && !found; salt++ {
		b := replicaOf(1<<16, heroes(0, 2000), heroes(5000, 1))
		var s transcript
		if err := s.play(t.Context(), a, blindReplica{fakeReplica: b, seen: a.state, summary: &claim}, Options{Audit: salt}); err != nil {
			t.Fatal(err)
		}
		found = s.left.Differed == 1
	}
	if !found {
		t.Error("500 audits of 1/64 did not find it")
	}
}

// cellsOfAudit returns the sketch of an audit.
func cellsOfAudit(t *testing.T, pages Pages, q Query) ([]sketch.Cell, error) {
	t.Helper()
	var v View
	err := AuditView(t.Context(), pages, q, &v)
	return v.Cells, err
}

func TestAnAuditSplitsTheIDsEvenly(t *testing.T) {
	const ids, parts = 64_000, 64
	in := 0
	for i := range ids {
		if (Audit{Salt: 3, Parts: parts}).Covers(crdttest.IDOf(i)) {
			in++
		}
	}
	if in < ids/parts*8/10 || in > ids/parts*12/10 {
		t.Errorf("%d of %d, want about %d", in, ids, ids/parts)
	}
}

func TestAnAuditTakesEachIDOnceThoughTheStateMoves(t *testing.T) {
	r := replicaOf(300, heroes(0, 100))
	other := replicaOf(300, heroes(0, 100))
	n := 0
	r.before = func(op string) {
		if op != "page" {
			return
		}
		n++ // deaths move the heroes that were met last to the holes
		r.state.MergeTombstone(crdt.Tombstone{ID: crdttest.IDOf(n * 3)})
	}
	cells, err := cellsOfAudit(t, r.Page, Query{Cells: 512, Audit: Audit{Salt: 1, Parts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := cellsOfAudit(t, other.Page, Query{Cells: 512, Audit: Audit{Salt: 1, Parts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := sketch.Decode(cells, sketch.AppendPrefix(nil, rest)); err != nil {
		t.Errorf("the sketch is of no set: %v", err)
	}
}

// The responder of before sent 256 cells to whoever asked for fewer, which the
// initiator takes for a violation.
func TestAnAuditHasAsManyCellsAsWereAskedFor(t *testing.T) {
	for _, cells := range []int{1, 64, 256, 300} {
		r := NewResponder(replicaOf(1<<16, heroes(0, 10)))
		if _, err := stepResponder(t, r, Message{kind: KindHello, hello: newFoe().hello()}); err != nil {
			t.Fatal(err)
		}
		answers, err := stepResponder(t, r, Message{kind: KindAsk, cells: uint64(cells), audit: Audit{Salt: 1, Parts: 1}})
		if err != nil || len(answers) != 1 || len(answers[0].prefix) != cells*sketch.CellBytes {
			t.Errorf("%d cells: %v, %v", cells, answers, err)
		}
	}
}

func TestNobodyAsksForNoCells(t *testing.T) {
	r := NewResponder(replicaOf(1<<16, heroes(0, 10)))
	if _, err := stepResponder(t, r, Message{kind: KindHello, hello: newFoe().hello()}); err != nil {
		t.Fatal(err)
	}
	if _, err := stepResponder(t, r, Message{kind: KindAsk}); !errors.Is(err, ErrProtocol) {
		t.Errorf("%v, want ErrProtocol", err)
	}
}

// What a cursor means that was never given is the responder's affair, but it ends
// with a last page and is no violation: the initiator looks again in any case.
func TestAPullAtAnUnknownCursorIsAnsweredByPagesThatEnd(t *testing.T) {
	for _, cursor := range []crdt.Cursor{1, 77, 1 << 32, 1<<63 + 5, 1<<64 - 1} {
		r := NewResponder(replicaOf(300, heroes(0, 100)))
		if _, err := stepResponder(t, r, Message{kind: KindHello, hello: newFoe().hello()}); err != nil {
			t.Fatal(err)
		}
		answers, err := stepResponder(t, r, Message{kind: KindPull, cursor: cursor})
		if err != nil || len(answers) == 0 {
			t.Fatalf("%#x: %v, %v", uint64(cursor), answers, err)
		}
		for i, page := range answers {
			if last := i == len(answers)-1; page.kind != KindPage || page.more == last {
				t.Errorf("%#x: page %d of %d is %v", uint64(cursor), i, len(answers), page)
			}
		}
	}
}

func TestAuditsCoverWhatTheVectorsSay(t *testing.T) {
	text, err := os.ReadFile("../../docs/wire/sketch-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Audits []struct {
			Salt, ID, Fingerprint, Symbol string // hex
			Parts                         uint64
			Covered                       bool
		}
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors.Audits) == 0 {
		t.Fatal("no vectors", err)
	}
	for _, v := range vectors.Audits {
		salt, err := strconv.ParseUint(v.Salt, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		var id crdt.ID
		var fingerprint crdt.Fingerprint
		for text, to := range map[string][]byte{v.ID: id[:], v.Fingerprint: fingerprint[:]} {
			if n, err := hex.Decode(to, []byte(text)); err != nil || n != len(to) {
				t.Fatal(n, err)
			}
		}
		a := Audit{Salt: salt, Parts: v.Parts}
		if got := a.Covers(id); got != v.Covered {
			t.Errorf("%+v covers %s: %t", a, v.ID, got)
		}
		if got := fmt.Sprintf("%016x", a.Symbol(fingerprint)); got != v.Symbol {
			t.Errorf("%+v: symbol %s, want %s", a, got, v.Symbol)
		}
	}
}

// A walk meets an entry twice if it is moved to where the walk has yet to come.
func TestOfAnEntryThatIsMetTwiceTheLaterVersionIsAudited(t *testing.T) {
	id := crdttest.IDOf(7)
	met := []crdt.Hero{stampedAt(7, 1), stampedAt(8, 1), stampedAt(7, 2), stampedAt(9, 1)}
	pages := func(_ context.Context, at crdt.Cursor) (Page, error) {
		e := crdt.Entries{Heroes: met[at : at+1]}
		return Page{Encoded: crdt.AppendEntries(nil, e), Entries: 1, Next: at + 1, More: int(at)+1 < len(met)}, nil
	}
	audit := Audit{Salt: 1, Parts: 1}
	cells, err := cellsOfAudit(t, pages, Query{Cells: sketch.CellsMin, Audit: audit})
	if err != nil {
		t.Fatal(err)
	}
	symbols, _, err := sketch.Decode(cells, make([]byte, len(cells)*sketch.CellBytes))
	if err != nil {
		t.Fatal(err)
	}
	has := func(h crdt.Hero) bool { return slices.Contains(symbols, audit.Symbol(h.Fingerprint())) }
	if len(symbols) != 3 || !has(met[2]) || has(met[0]) {
		t.Errorf("of %v the audit has %d symbols, the older version %t, the later %t", id, len(symbols), has(met[0]), has(met[2]))
	}
}
