package city

import (
	"runtime"

	"github.com/citynode/citynode/crdt"
)

// togetherMax is how many orders the loop takes together: as many as a
// processor has reads of memory under way.
const togetherMax = 16

// turns does a task and the orders that wait behind it, up to the first that is
// none, and tells whether the city is to crash. At a million heroes an order
// waits for memory as long as it computes; of several the loop knows beforehand
// what they will read, and waits once.
//
// It lets others run before it looks who waits: callers come one at a time while
// each of them wakes the loop for itself.
func (i *Incarnation) turns(first task) (crash bool) {
	i.together = append(i.together[:0], first)
	if first.run == nil {
		runtime.Gosched()
	}
	for last := first; last.run == nil && len(i.inbox) > 0 && len(i.together) < togetherMax; {
		last = <-i.inbox
		i.together = append(i.together, last)
	}
	i.warm()
	for at, t := range i.together {
		i.together[at] = task{}
		if i.turn(t) {
			return true
		}
	}
	return false
}

// warm reads ahead what orders that are done together are going to read.
func (i *Incarnation) warm() {
	if len(i.together) < 2 {
		return
	}
	var room [togetherMax]crdt.ID
	ids := room[:0]
	for _, t := range i.together {
		switch m := t.message.(type) {
		case Create:
			ids = append(ids, m.Request)
		case Assign:
			ids = append(ids, m.Hero)
		case Retire:
			ids = append(ids, m.Hero)
		}
	}
	i.core.State().Warm(ids...)
}

// turn does one task and tells whether the city is to crash.
func (i *Incarnation) turn(t task) bool {
	if t.run != nil {
		t.run(i)
		t.reply <- Reply{}
		return false
	}
	reply, fx := i.core.Step(i.opts.Now(), i.opts.Rand, t.message)
	i.conclude(t.reply, &reply, &fx)
	return fx.Crash
}

// tick lets a tick happen.
func (i *Incarnation) tick(m Message) {
	reply, fx := i.core.Step(i.opts.Now(), i.opts.Rand, m)
	i.conclude(nil, &reply, &fx)
}
