package city

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// killLab is a city that is killed at any moment, its disk, which may fail, a neighbour
// that takes all that it can see, and callers that send each order until it is answered.
type killLab struct {
	t       *rapid.T
	now     time.Time
	core    *Core
	held    *HoldBack[string]
	carried *crdt.State // what the neighbour holds
	orders  []*sentOrder

	log                      []diskWrite
	appended, tried, durable uint64
	fault                    error
}

// diskWrite is what the effects of one message write.
type diskWrite struct {
	number  uint64
	records []crdt.Record
	answers []Answered
}

type sentOrder struct {
	order Assign
	reply *Reply // nil: not answered yet
}

// theHero is whom all orders are for. An order that is carried out heals by one.
var theHero = crdt.Hero{
	ID: crdttest.IDOf(1), Name: "Batman", Location: "gotham", Health: 1,
	Version: crdt.Version{HLC: crdt.StampAt(scriptStart)},
}

func newKillLab(t *rapid.T) *killLab {
	l := &killLab{t: t, now: scriptStart, carried: crdt.NewState()}
	l.log = []diskWrite{{records: []crdt.Record{crdt.HeroRecord(theHero)}}}
	l.begin()
	return l
}

// begin starts the city with what the disk holds.
func (l *killLab) begin() {
	l.core = NewCore(Config{Name: "gotham", Replica: 1, Boost: 1, HealthMax: 100}, crdt.StampAt(l.now))
	l.core.open = true
	l.held = NewHoldBack[string](l.core, l)
	l.appended, l.tried, l.durable, l.fault = 0, 0, 0, nil
	held := make(map[crdt.ID]crdt.Record) // of two records of one id the later stands
	for i, w := range l.log {
		l.log[i].number = 0
		for _, r := range w.records {
			held[r.ID()] = r
		}
		l.core.Step(l.now, nil, Remember{Answers: w.answers})
	}
	for _, r := range held {
		l.core.Step(l.now, nil, Update{Entries: r.Entries(), Source: SourceStore})
	}
}

func (l *killLab) Append(fx Effects) uint64 {
	l.appended++
	if l.fault != nil {
		return l.appended
	}
	w := diskWrite{number: l.appended}
	for r := range fx.ToStore() {
		w.records = append(w.records, *r)
	}
	if a, ok := fx.Answered(); ok {
		w.answers = []Answered{a}
	}
	l.log = append(l.log, w)
	return l.appended
}

func (l *killLab) Tell(t *Turn[string]) {
	if t.Reply.Err == nil && t.Waits != "" {
		l.answered(t.Waits, t.Reply)
	}
}

func (l *killLab) Refuse(string, Reply) {}

func (l *killLab) answered(name string, reply Reply) {
	of := l.orders[slices.IndexFunc(l.orders, func(o *sentOrder) bool { return o.order.Name == name })]
	if of.reply != nil && of.reply.Hero != reply.Hero {
		l.t.Fatalf("%s was answered %+v, and then %+v", name, of.reply.Hero, reply.Hero)
	}
	of.reply = &reply
}

// order sends a new order, with the hero as the neighbour has it or without.
func (l *killLab) order() {
	n := len(l.orders)
	o := &sentOrder{order: Assign{
		Caller: Caller{Name: fmt.Sprint("caller ", n), Request: crdttest.IDOf(100 + n)},
		Hero:   theHero.ID,
	}}
	if rapid.Bool().Draw(l.t, "with") {
		o.order.With = l.carried.Record(theHero.ID).Entries()
	}
	l.orders = append(l.orders, o)
	l.turn(o.order.Name, o.order)
}

func (l *killLab) turn(waits string, m Message) {
	reply, fx := l.core.Step(l.now, nil, m)
	l.held.Add(l, Turn[string]{Waits: waits, Reply: reply, Effects: fx})
}

func (l *killLab) release() {
	l.held.Release(l.now, nil, Written{Durable: l.durable, Tried: l.tried, Fault: l.fault})
}

// cut leaves on the disk what is durable, and what was given to it if it took that.
func (l *killLab) cut(took bool) {
	l.log = slices.DeleteFunc(l.log, func(w diskWrite) bool {
		return w.number > l.tried || w.number > l.durable && !took
	})
}

// fails has the disk fail. What it was not given is dropped.
func (l *killLab) fails() {
	l.fault = errors.New("no disk")
	l.cut(true)
	l.release()
}

// resumes writes all anew and ends the fault.
func (l *killLab) resumes() {
	e, _, _ := l.core.PageToStore(0, 1<<20)
	w := diskWrite{number: l.appended, answers: l.core.Answers()}
	for _, h := range e.Heroes {
		w.records = append(w.records, crdt.HeroRecord(h))
	}
	l.log = append(l.log, w)
	l.tried, l.durable, l.fault = l.appended, l.appended, nil
	l.release()
}

// step lets one thing happen.
func (l *killLab) step() {
	l.now = l.now.Add(time.Millisecond)
	switch what := rapid.IntRange(0, 12).Draw(l.t, "what"); {
	case what < 2 && len(l.orders) < 20:
		l.order()
	case what < 5 && len(l.orders) > 0:
		o := rapid.SampledFrom(l.orders).Draw(l.t, "again")
		l.turn(o.order.Name, o.order)
	case what == 5:
		l.carried.Merge(wholeOf(l.core), crdt.NoHorizon)
	case what == 6:
		l.turn("", Update{Entries: l.carried.Record(theHero.ID).Entries(), Source: SourceSync})
	case what == 7:
		l.cut(rapid.Bool().Draw(l.t, "took"))
		l.begin()
	case l.fault != nil:
		l.resumes()
	case what == 8:
		l.fails()
	case what == 9:
		l.tried = l.appended
	default:
		l.durable = l.tried
		l.release()
	}
}

func TestAnOrderIsCarriedOutOnceOverKillsAndFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newKillLab(t)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.step()
		}
		l.resumes()
		for _, o := range l.orders {
			l.turn(o.order.Name, o.order)
		}
		l.tried, l.durable = l.appended, l.appended
		l.release()
		l.carried.Merge(wholeOf(l.core), crdt.NoHorizon)
		want := theHero.Health + uint8(len(l.orders))
		if got := l.carried.Record(theHero.ID).Hero.Health; got != want {
			t.Fatalf("%d orders healed to %d, want %d", len(l.orders), got, want)
		}
		for _, o := range l.orders {
			if o.reply == nil {
				t.Fatalf("%s is not answered", o.order.Name)
			}
		}
	})
}
