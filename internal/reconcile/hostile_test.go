package reconcile

import (
	"errors"
	"fmt"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/crdt/sketch"
)

// peerIncarnation is that of the other side in these tests.
const peerIncarnation = 9

// crowdOf has tombstones for the IDs from first on.
func crowdOf(first, n int) crdt.Entries {
	var e crdt.Entries
	for i := range n {
		e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: crdttest.IDOf(first + i)})
	}
	return e
}

// foe answers, or asks, as a test likes, and knows how to do it right.
type foe struct{ *fakeReplica }

func newFoe(e ...crdt.Entries) foe {
	r := replicaOf(1<<16, e...)
	r.incarnation = peerIncarnation
	return foe{r}
}

func (f foe) hello() Hello {
	return Hello{Incarnation: f.incarnation, Summary: f.state.Summary(), Now: f.now}
}

func (f foe) cells(m int) []sketch.Cell { return f.state.AppendCells(nil, m) }

func (f foe) differ() Message {
	return Message{kind: KindDiffer, hello: f.hello(), prefix: sketch.AppendSample(nil, f.cells(sketch.CellsMin))}
}

func (f foe) sketch(m int) Message {
	return Message{kind: KindSketch, hello: f.hello(), prefix: sketch.AppendPrefix(nil, f.cells(m))}
}

func (f foe) found(e crdt.Entries) Message {
	return Message{kind: KindFound, incarnation: f.incarnation, entries: e}
}

func (f foe) page(e crdt.Entries, next crdt.Cursor) Message {
	return Message{kind: KindPage, incarnation: f.incarnation, entries: e, cursor: next, more: next != 0}
}

func (f foe) agreed() Message { return Message{kind: KindAgreed, incarnation: f.incarnation} }

// oneOfEach is a message of each kind.
func (f foe) oneOfEach() []Message {
	e := all(f.state)
	return []Message{
		{},
		{kind: KindHello, hello: f.hello()},
		{kind: KindSame, hello: f.hello()},
		f.differ(),
		{kind: KindAsk, cells: 256},
		f.sketch(256),
		{kind: KindWant, symbols: []uint64{e.Tombstones[0].Fingerprint().Symbol()}},
		f.found(e),
		{kind: KindPull},
		f.page(e, 0),
		{kind: KindPush, entries: e},
		{kind: KindDone},
		f.agreed(),
	}
}

// initiatorAt is a session of a replica with 2 tombstones up to a point.
func initiatorAt(t *testing.T, o Options, before ...Message) *Initiator {
	t.Helper()
	i := NewInitiator(replicaOf(1<<16, crowdOf(0, 2)), o)
	if _, err := i.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range before {
		if err := stepInitiator(t, i, m); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// stepInitiator has it take a message and say all that it has to say to it.
func stepInitiator(t *testing.T, i *Initiator, m Message) error {
	t.Helper()
	out, err := i.Step(t.Context(), m)
	for err == nil && !out.IsZero() {
		out, err = i.Next(t.Context())
	}
	return err
}

func stepResponder(t *testing.T, r *Responder, m Message) (answers []Message, err error) {
	t.Helper()
	out, err := r.Step(t.Context(), m)
	for err == nil && !out.IsZero() {
		answers = append(answers, out)
		out, err = r.Next(t.Context())
	}
	return answers, err
}

func TestAnInitiatorTakesOnlyTheAnswerThatIsDue(t *testing.T) {
	few, many := newFoe(crowdOf(50, 3)), newFoe(crowdOf(50, 40))
	found := few.found(crowdOf(50, 3))
	for _, row := range []struct {
		at     string
		foe    foe
		bulk   int
		before []Message
		due    Kind
	}{
		{"greeting", few, 0, nil, KindDiffer},
		{"wanting", few, 0, []Message{few.differ()}, KindFound},
		{"closing", few, 0, []Message{few.differ(), found}, KindAgreed},
		{"over", few, 0, []Message{few.differ(), found, few.agreed()}, 0},
		{"looking", many, 0, []Message{many.differ()}, KindSketch},
		{"pulling", many, 1, []Message{many.differ()}, KindPage},
	} {
		for _, m := range row.foe.oneOfEach() {
			t.Run(fmt.Sprintf("%s %s", row.at, m), func(t *testing.T) {
				i := initiatorAt(t, Options{BulkOver: row.bulk}, row.before...)
				if m.kind == KindSketch {
					m = row.foe.sketch(max(1, min(256, i.round.asked)))
				}
				err := stepInitiator(t, i, m)
				if taken := err == nil; taken != (m.kind == row.due && row.due != 0) {
					t.Errorf("Step = %v", err)
				} else if !taken && !errors.Is(err, ErrProtocol) {
					t.Errorf("Step = %v, want ErrProtocol", err)
				}
				if err != nil && !errors.Is(stepInitiator(t, i, m), ErrProtocol) {
					t.Error("the session goes on after an error")
				}
			})
		}
	}
}

func TestAResponderTakesOnlyTheRequestThatIsDue(t *testing.T) {
	peer := newFoe(crowdOf(50, 3))
	hello := Message{kind: KindHello, hello: peer.hello()}
	greeted := []Kind{KindAsk, KindWant, KindPull, KindPush, KindDone}
	for _, row := range []struct {
		at     string
		before []Message
		due    []Kind
	}{
		{"start", nil, []Kind{KindHello}},
		{"greeted", []Message{hello}, greeted},
		{"pulled", []Message{hello, {kind: KindPull}}, greeted},
		{"pushed", []Message{hello, {kind: KindPush, entries: crowdOf(50, 3)}}, greeted},
		{"over", []Message{hello, {kind: KindDone}}, nil},
	} {
		for _, m := range peer.oneOfEach() {
			t.Run(fmt.Sprintf("%s %s", row.at, m), func(t *testing.T) {
				r := NewResponder(replicaOf(1<<16, crowdOf(0, 2)))
				for _, before := range row.before {
					if _, err := stepResponder(t, r, before); err != nil {
						t.Fatal(err)
					}
				}
				due := false
				for _, kind := range row.due {
					due = due || kind == m.kind
				}
				answers, err := stepResponder(t, r, m)
				switch {
				case due && (err != nil || len(answers) == 0 != (m.kind == KindPush)):
					t.Errorf("Step = %v, %v, want an answer", answers, err)
				case !due && (!errors.Is(err, ErrProtocol) || len(answers) > 0):
					t.Errorf("Step = %v, %v, want ErrProtocol and no answer", answers, err)
				}
				if _, again := stepResponder(t, r, m); err != nil && !errors.Is(again, ErrProtocol) {
					t.Error("the session goes on after an error")
				}
			})
		}
	}
}

// TestAHostileResponderIsGivenUp has, for each row, what a foe answers after a
// beginning, again and again; at most so many answers are taken.
func TestAHostileResponderIsGivenUp(t *testing.T) {
	const claimed = 1000
	few, many := newFoe(crowdOf(50, 3)), newFoe(crowdOf(50, claimed))
	pagesMax := int(allowance(many.state.Summary()))/512 + 1
	for _, row := range []struct {
		name   string
		before []Message
		answer func(n int) Message
		max    int
	}{
		{"pages without end", []Message{many.differ()}, func(n int) Message {
			return many.page(crowdOf(n*512, 512), crdt.Cursor(n+1))
		}, pagesMax},
		{"the same entries without end", []Message{many.differ()}, func(n int) Message {
			return many.page(crowdOf(0, 512), crdt.Cursor(n+1))
		}, pagesMax},
		{"two cursors in turn", []Message{many.differ()}, func(n int) Message {
			return many.page(crowdOf(0, 512), crdt.Cursor(n%2+1))
		}, pagesMax},
		{"the cursor that was asked", []Message{many.differ()}, func(n int) Message {
			return many.page(crowdOf(n*4, 4), 5)
		}, 2},
		{"an empty page with more to come", []Message{many.differ()}, func(n int) Message {
			return many.page(crdt.Entries{}, crdt.Cursor(n+1))
		}, 1},
		{"an entry that was not asked for", []Message{few.differ()}, func(int) Message {
			return few.found(crowdOf(500, 1))
		}, 1},
		{"fewer answers than symbols", []Message{few.differ()}, func(int) Message {
			return few.found(crowdOf(50, 2))
		}, 1},
		{"one entry for each symbol", []Message{few.differ()}, func(int) Message {
			e := crowdOf(50, 1)
			e.Append(e)
			e.Append(e)
			return few.found(e)
		}, 1},
		{"more replaced than was asked for", []Message{few.differ()}, func(int) Message {
			return Message{kind: KindFound, incarnation: peerIncarnation, replaced: crowdOf(500, 100)}
		}, 1},
		{"more unknown than was asked for", []Message{few.differ()}, func(int) Message {
			return Message{kind: KindFound, incarnation: peerIncarnation, unknown: 1 << 62}
		}, 1},
		{"found without end", []Message{few.differ()}, func(int) Message {
			m := few.found(crowdOf(50, 3))
			m.more = true
			return m
		}, int(allowance(few.state.Summary()))/3 + 1},
		{"a differ with no sample", nil, func(int) Message {
			return Message{kind: KindDiffer, hello: few.hello()}
		}, 1},
		{"same of another summary", nil, func(int) Message {
			return Message{kind: KindSame, hello: few.hello()}
		}, 1},
		{"differ of an equal summary", nil, func(int) Message {
			return newFoe(crowdOf(0, 2)).differ()
		}, 1},
		{"a billion heroes", nil, func(int) Message {
			m := few.differ()
			m.hello.Summary.Heroes = 1<<32 + 1
			return m
		}, 1},
		{"counts of what was not sent", []Message{few.differ(), few.found(crowdOf(50, 3))}, func(int) Message {
			return Message{kind: KindAgreed, incarnation: peerIncarnation, changed: 4}
		}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			i := initiatorAt(t, Options{}, row.before...)
			var err error
			n := 0
			for ; err == nil && n <= row.max; n++ {
				err = stepInitiator(t, i, row.answer(n))
			}
			if !errors.Is(err, ErrProtocol) || n > row.max || i.Result().Complete {
				t.Errorf("%v after %d answers, want ErrProtocol after at most %d", err, n, row.max)
			}
		})
	}
}

// TestAHostileSketchIsGivenUp has sketches that no set has.
func TestAHostileSketchIsGivenUp(t *testing.T) {
	many := newFoe(crowdOf(50, 40))
	sketchOf := func(entries, asked int) Message {
		m := newFoe(crowdOf(50, entries)).sketch(asked)
		m.hello = many.hello()
		return m
	}
	for _, row := range []struct {
		name   string
		answer func(asked int) Message
		max    int // answers that are taken
	}{
		{"more cells than were asked for", func(asked int) Message { return many.sketch(max(256, asked+1)) }, 1},
		{"no cells", func(int) Message { return Message{kind: KindSketch, hello: many.hello()} }, 1},
		{"half a cell", func(int) Message {
			return Message{kind: KindSketch, hello: many.hello(), prefix: make([]byte, sketch.CellBytes+1)}
		}, 1},
		{"cells of two instants", func(asked int) Message {
			m := many.sketch(1)
			m.more = true
			m.hello.Now += crdt.Stamp(asked)
			return m
		}, 2},
		{"of more entries than its summary has", func(asked int) Message { return sketchOf(45, asked) }, 1},
		{"of fewer entries than its summary has", func(asked int) Message { return sketchOf(35, asked) }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			i := initiatorAt(t, Options{}, many.differ())
			var err error
			n := 0
			for ; err == nil && n <= row.max; n++ {
				m := row.answer(i.round.asked - n)
				err = stepInitiator(t, i, m)
			}
			if !errors.Is(err, ErrProtocol) || n > row.max {
				t.Errorf("%v after %d answers, want ErrProtocol after at most %d", err, n, row.max)
			}
		})
	}
}

// TestAPoisonedSketchEndsInBoundedWork has cells of no set: whatever they decode
// to, the session ends after a few attempts.
func TestAPoisonedSketchEndsInBoundedWork(t *testing.T) {
	many := newFoe(crowdOf(50, 40))
	i := initiatorAt(t, Options{}, many.differ())
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		m := many.page(crowdOf(50, 40), 0)
		if i.phase == looking {
			m = many.sketch(min(i.round.asked, 4096))
			for k := range m.prefix {
				m.prefix[k] ^= byte(k*7 + n)
			}
		}
		err = stepInitiator(t, i, m)
	}
	if err == nil || i.Result().Complete || n > roundsMax*(attemptsMax+2) {
		t.Errorf("%v after %d answers", err, n)
	}
}

func TestAHostileInitiatorIsGivenUp(t *testing.T) {
	peer := newFoe(crowdOf(1000, 1000))
	hello := Message{kind: KindHello, hello: peer.hello()}
	for _, row := range []struct {
		name    string
		request func(n int) Message
		max     int
	}{
		{"sketches without end", func(int) Message { return Message{kind: KindAsk, cells: 1} }, asksMax + 1},
		{"a sketch without end", func(int) Message { return Message{kind: KindAsk, cells: cellsMax + 1} }, 1},
		{"symbols without end", func(n int) Message {
			return Message{kind: KindWant, symbols: make([]uint64, wantMax)}
		}, growthSlack/wantMax + 2},
		{"more symbols than a message has", func(n int) Message {
			return Message{kind: KindWant, symbols: make([]uint64, wantMax+1)}
		}, 1},
		{"no symbols", func(n int) Message { return Message{kind: KindWant} }, 1},
		{"pushes without end", func(n int) Message {
			return Message{kind: KindPush, entries: crowdOf(n*512, 512)}
		}, (growthFactor*1000+growthSlack)/512 + 1},
		{"an empty push", func(int) Message { return Message{kind: KindPush} }, 1},
		{"counts of what was not sent", func(int) Message { return Message{kind: KindDone, changed: 1} }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := NewResponder(replicaOf(1<<16, crowdOf(0, 100)))
			_, err := stepResponder(t, r, hello)
			n := 0
			for ; err == nil && n <= row.max; n++ {
				_, err = stepResponder(t, r, row.request(n))
			}
			if !errors.Is(err, ErrProtocol) || n > row.max || r.Result().Complete {
				t.Errorf("%v after %d requests, want ErrProtocol after at most %d", err, n, row.max)
			}
		})
	}
}

func TestAHelloThatClaimsMoreThanAStateHoldsIsRefused(t *testing.T) {
	for name, summary := range map[string]crdt.Summary{
		"heroes": {Heroes: claimMax + 1}, "tombstones": {Tombstones: claimMax + 1},
	} {
		r := NewResponder(replicaOf(1<<16, crowdOf(0, 2)))
		answers, err := stepResponder(t, r, Message{kind: KindHello, hello: Hello{Incarnation: peerIncarnation, Summary: summary}})
		if !errors.Is(err, ErrProtocol) || len(answers) > 0 {
			t.Errorf("too many %s: %v, %v, want ErrProtocol", name, answers, err)
		}
	}
}

// TestAStateThatNeverStandsStillIsGivenUp has each entry be gone before it is
// fetched.
func TestAStateThatNeverStandsStillIsGivenUp(t *testing.T) {
	few := newFoe(crowdOf(50, 3))
	i := initiatorAt(t, Options{}, few.differ())
	var err error
	n := 0
	for ; err == nil && n < 4*roundsMax; n++ {
		m := Message{kind: KindFound, incarnation: peerIncarnation, unknown: uint64(len(i.round.awaited))}
		if i.phase == looking {
			m = few.sketch(min(i.round.asked, sketch.CellsMin))
		}
		err = stepInitiator(t, i, m)
	}
	if !errors.Is(err, ErrMoving) || i.Result().Complete {
		t.Errorf("%v after %d answers, want ErrMoving", err, n)
	}
}

// TestTheStateIsNotPulledWithoutEnd ends a session in which more is asked for
// than the responder held, which is not known to be anybody's fault.
func TestTheStateIsNotPulledWithoutEnd(t *testing.T) {
	r := NewResponder(replicaOf(1<<16, crowdOf(0, 1000)))
	_, err := stepResponder(t, r, Message{kind: KindHello, hello: newFoe().hello()})
	const pullsMax = growthSlack/1000 + 3
	pulls := 0
	for ; err == nil && pulls <= pullsMax; pulls++ {
		_, err = stepResponder(t, r, Message{kind: KindPull})
	}
	if !errors.Is(err, ErrOutgrown) || pulls > pullsMax {
		t.Errorf("%v after %d pulls", err, pulls)
	}
}

// TestNothingThatWasNotAskedForIsMerged has an entry too many in an answer that is
// right otherwise, and of which more may follow.
func TestNothingThatWasNotAskedForIsMerged(t *testing.T) {
	few := newFoe(crowdOf(50, 3))
	for name, extra := range map[string]crdt.Entries{"a tombstone": crowdOf(500, 1), "a hero": heroes(500, 1)} {
		for _, more := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, more to come %t", name, more), func(t *testing.T) {
				i := initiatorAt(t, Options{}, few.differ())
				answer := few.found(crowdOf(50, 3))
				answer.entries.Append(extra)
				answer.more = more
				if err := stepInitiator(t, i, answer); !errors.Is(err, ErrProtocol) {
					t.Errorf("%v, want ErrProtocol", err)
				}
				if r := i.replica.(*fakeReplica).state.Record(crdttest.IDOf(500)); r.Kind != crdt.KindNone {
					t.Errorf("merged %+v", r)
				}
			})
		}
	}
}

func TestAnAnswerOfAnotherIncarnationEndsTheSessionWithoutBlame(t *testing.T) {
	few, many := newFoe(crowdOf(50, 3)), newFoe(crowdOf(50, 40))
	found, page, agreed := few.found(crowdOf(50, 3)), many.page(crowdOf(50, 40), 0), few.agreed()
	for _, row := range []struct {
		options Options
		before  []Message
		answer  func(asked int) Message
	}{
		{Options{}, []Message{few.differ()}, func(int) Message { return found }},
		{Options{}, []Message{few.differ(), found}, func(int) Message { return agreed }},
		{Options{}, []Message{many.differ()}, many.sketch},
		{Options{BulkOver: 1}, []Message{many.differ()}, func(int) Message { return page }},
	} {
		i := initiatorAt(t, row.options, row.before...)
		other := row.answer(i.round.asked)
		other.incarnation, other.hello.Incarnation = peerIncarnation+1, peerIncarnation+1
		err := stepInitiator(t, i, other)
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want ErrUnavailable", other, err)
		}
	}
}
