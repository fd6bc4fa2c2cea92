package city

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/citynode/citynode/crdt"
)

// desk is an Outlet and a journal that writes nothing down: it notes what it is
// given.
type desk struct {
	appended uint64
	told     []string // who was answered by a turn, "" for nobody
	future   int      // heroes that were told to be of the future
	refused  []string
	reasons  []Reason
	messages map[string]string // of who was refused
}

func (d *desk) Append(Effects) uint64 {
	d.appended++
	return d.appended
}

func (d *desk) Tell(t *Turn[string]) {
	d.told = append(d.told, t.Waits)
	d.future += len(t.Effects.Future)
}

func (d *desk) Refuse(waits string, reply Reply) {
	d.refused = append(d.refused, waits)
	d.reasons = append(d.reasons, ReasonOf(reply.Err))
	d.messages[waits] = reply.Err.Error()
}

// holdLab is a city whose turns are held back.
type holdLab struct {
	*lab
	core *Core
	desk *desk
	held *HoldBack[string]
}

func newHoldLab(t *testing.T) *holdLab {
	l := newLab(t)
	core, d := l.city("gotham", 1), &desk{messages: make(map[string]string)}
	return &holdLab{lab: l, core: core, desk: d, held: NewHoldBack[string](core, d)}
}

func (l *holdLab) turn(waits string, m Message) {
	reply, fx := l.core.Step(l.now, nil, m)
	l.held.Add(l.desk, Turn[string]{Waits: waits, Reply: reply, Effects: fx})
}

func (l *holdLab) order(waits string) {
	l.turn(waits, Create{Caller: Caller{Name: waits, Request: l.id()}, HeroName: "Robin", Here: true})
}

func (l *holdLab) durable(number uint64) {
	l.held.Release(l.now, nil, Written{Durable: number, Tried: l.desk.appended})
}

// fails has the store fail with all durable up to the first number, and nothing given
// to the disk after the second.
func (l *holdLab) fails(durable, tried uint64) {
	l.held.Release(l.now, nil, Written{Durable: durable, Tried: tried, Fault: errors.New("no disk")})
}

func (l *holdLab) wantTold(want ...string) {
	l.t.Helper()
	if !slices.Equal(l.desk.told, want) {
		l.t.Errorf("told %q, want %q", l.desk.told, want)
	}
}

func TestTurnsAreToldInTheirOrderOnceTheyAreDurable(t *testing.T) {
	l := newHoldLab(t)
	l.order("a")
	l.order("b")
	l.turn("reader", Update{Source: SourceCaller}) // changed nothing, but saw what b did
	l.order("c")
	l.wantTold()
	l.durable(2)
	l.wantTold("a", "b", "reader")
	if waiting := l.held.Waiting(); !slices.Equal(waiting, []string{"c"}) {
		t.Errorf("waiting: %q", waiting)
	}
	l.durable(3)
	l.wantTold("a", "b", "reader", "c")
}

func TestWhatNeighboursSentAndWhatChangedNothingDoesNotWait(t *testing.T) {
	l := newHoldLab(t)
	l.turn("reader", Update{Source: SourceCaller})
	l.order("a")
	other := l.city("metropolis", 2)
	hero := l.create(other)
	l.turn("", Update{Entries: crdt.Entries{Heroes: []crdt.Hero{hero}}, Source: SourceSync})
	l.wantTold("reader", "")
	if l.desk.appended != 2 {
		t.Errorf("%d effects were appended, want those of the order and of the sync", l.desk.appended)
	}
}

func TestWhatACallerBringsIsToldAtOnceAndAnsweredOnceItIsStored(t *testing.T) {
	l := newHoldLab(t)
	hero := l.create(l.city("metropolis", 2))
	l.turn("caller", Update{Entries: crdt.Entries{Heroes: []crdt.Hero{hero}}, Source: SourceCaller})
	if l.wantTold(""); l.core.State().Summary().Heroes != 1 {
		t.Error("it is not in the state")
	}
	l.durable(1)
	l.wantTold("", "caller")
}

// Who opens a city must not be told that this could not be stored.
func TestWhatIsSaidOfTheCityItselfDoesNotWait(t *testing.T) {
	l := newHoldLab(t)
	l.order("a")
	shown := l.core.State().Summary()
	for _, m := range []Message{Open{}, Suspect{}, Departed{Name: "a"}} {
		reply, fx := l.core.Step(l.now, nil, m)
		l.held.Add(l.desk, Turn[string]{Waits: "node", Reply: reply, Effects: fx})
		if reply.Summary != shown {
			t.Errorf("%T is answered with what waits for the disk", m)
		}
	}
	l.wantTold("node", "node", "node")
}

func TestWhatACallerBringsOfTheFutureIsTold(t *testing.T) {
	l := newHoldLab(t)
	hero := l.create(l.city("metropolis", 2))
	due := hero
	hero.ID, hero.Version.HLC = l.id(), crdt.StampAt(l.now.Add(2*FutureSkewMax))
	l.order("a")
	l.turn("caller", Update{Entries: crdt.Entries{Heroes: []crdt.Hero{hero}}, Source: SourceCaller})
	l.turn("caller", Update{Entries: crdt.Entries{Heroes: []crdt.Hero{hero, due}}, Source: SourceCaller})
	if l.desk.future != 2 {
		t.Errorf("told of %d, want 2", l.desk.future)
	}
}

func TestWhatCameFromTheStoreIsNotAppended(t *testing.T) {
	l := newHoldLab(t)
	hero := l.create(l.city("metropolis", 2))
	l.turn("", Update{Entries: crdt.Entries{Heroes: []crdt.Hero{hero}}, Source: SourceStore})
	if l.wantTold(""); l.desk.appended != 0 {
		t.Error("it was")
	}
}

func TestAFaultRefusesWhoWaitsAndItsEndTellsWhatTheDiskWasGiven(t *testing.T) {
	l := newHoldLab(t)
	l.order("a")
	l.order("b")
	l.order("never tried")
	l.fails(1, 2)
	l.fails(1, 2)
	l.wantTold("a")
	if !slices.Equal(l.desk.refused, []string{"b", "never tried"}) || !slices.Equal(l.desk.reasons, []Reason{Unavailable, Unavailable}) {
		t.Errorf("refused %q as %v", l.desk.refused, l.desk.reasons)
	}
	if l.core.StoreFault() != "no disk" {
		t.Errorf("the core knows of the fault %q", l.core.StoreFault())
	}
	l.order("c") // is refused by the core, at once
	l.wantTold("a", "c")
	if got := l.core.State().Summary().Heroes; got != 1 {
		t.Errorf("%d heroes are in the state, want that of a", got)
	}
	l.durable(3)
	l.wantTold("a", "c", "") // the turn of b is told, to nobody who waits
	if got := l.core.State().Summary().Heroes; got != 2 {
		t.Errorf("%d heroes are in the state, want those of a and b", got)
	}
	if l.core.StoreFault() != "" {
		t.Errorf("the core still has the fault %q", l.core.StoreFault())
	}
}

func TestARequestThatWasNotDoneIsDoneWhenItComesAgain(t *testing.T) {
	l := newHoldLab(t)
	order := Create{Caller: Caller{Name: "alfred", Request: l.id()}, HeroName: "Robin", Here: true}
	l.turn("a", order)
	l.fails(0, 0)
	l.durable(0) // the store works again
	l.turn("a", order)
	if l.desk.appended != 2 {
		t.Fatal("it was answered from memory")
	}
	l.durable(2)
	if l.wantTold("a"); l.core.State().Summary().Heroes != 1 {
		t.Error("the hero is not there")
	}
}

// The disk was given the first order, and not what came after it.
func TestARefusalSaysTrulyWhetherItHappened(t *testing.T) {
	l := newHoldLab(t)
	create := func(waits string) Create {
		return Create{Caller: Caller{Name: waits, Request: l.id()}, HeroName: "Robin", Here: true}
	}
	stored, given, dropped := create("a"), create("b"), create("c")
	l.turn("stored", stored)
	l.durable(1)
	l.turn("given", given)
	l.turn("dropped", dropped)
	brought := l.create(l.city("metropolis", 2))
	l.turn("brought", Update{Entries: crdt.Entries{Heroes: []crdt.Hero{brought}}, Source: SourceCaller})
	l.turn("stored again", stored)
	l.turn("given again", given)
	l.turn("dropped again", dropped)
	l.turn("unknown hero", Retire{Caller: Caller{Name: "d", Request: l.id()}, Hero: l.id()})
	l.fails(1, 2)
	const done, notDone, open = "may do it once its store works", "has not done it", "cannot store anything now"
	for waits, want := range map[string]string{
		"given": done, "given again": done, "brought": done,
		"dropped": notDone, "dropped again": notDone,
		"stored again": open, "unknown hero": open,
	} {
		if got := l.desk.messages[waits]; !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", waits, got, want)
		}
	}
	l.durable(l.desk.appended) // the store works again
	for id, want := range map[crdt.ID]bool{stored.Request: true, given.Request: true, brought.ID: true, dropped.Request: false} {
		if got := l.core.State().Record(id).Kind == crdt.KindHero; got != want {
			t.Errorf("%v is there: %v", id, got)
		}
	}
}

func TestOrdersThatWaitForTheDiskAreBounded(t *testing.T) {
	l := newHoldLab(t)
	create := func(n int) (Reply, Effects) {
		return l.core.Step(l.now, nil, Create{Caller: Caller{Request: numberedID(n)}, HeroName: "Robin"})
	}
	for n := range WaitingMax {
		reply, fx := create(n)
		l.held.Add(l.desk, Turn[string]{Waits: "caller", Reply: reply, Effects: fx})
	}
	robin := Caller{Request: numberedID(WaitingMax)}
	orders := map[string]Message{
		"create": Create{Caller: robin, HeroName: "Robin"},
		"assign": Assign{Caller: robin, Hero: numberedID(0)},
		"retire": Retire{Caller: robin, Hero: numberedID(0)},
		"update": Update{Source: SourceCaller, Entries: crdt.Entries{Heroes: []crdt.Hero{heroOf(l.lab, 50, l.now, l.now, true)}}},
	}
	for name, order := range orders {
		if reply, fx := l.core.Step(l.now, nil, order); ReasonOf(reply.Err) != Busy || len(fx.Pending) > 0 {
			t.Errorf("one %s more: %v, %v", name, reply.Err, fx.Pending)
		}
	}
	l.durable(1)
	for _, name := range []string{"update", "create"} { // neither is waited for yet
		if reply, _ := l.core.Step(l.now, nil, orders[name]); reply.Err != nil {
			t.Errorf("an %s when one is stored: %v", name, reply.Err)
		}
	}
}

// An order may wait for the disk for longer than answers are remembered. Its answer is
// remembered from when it is given.
func TestAnAnswerIsRememberedFromWhenItIsGiven(t *testing.T) {
	l := newHoldLab(t)
	caller := Caller{Name: "alfred", Request: l.id()}
	remembered := func() bool { return l.core.answers.find(caller) != nil }
	l.turn("alfred", Create{Caller: caller, HeroName: "Robin", Here: true})
	l.core.Ran(2 * AnswersFor)
	if !remembered() {
		t.Error("it is forgotten before it was given")
	}
	l.durable(1)
	l.core.Ran(3 * AnswersFor)
	if !remembered() {
		t.Error("it is forgotten before its time")
	}
	l.core.Ran(3*AnswersFor + 1)
	if remembered() {
		t.Error("it is remembered for ever")
	}
}
