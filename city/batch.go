package city

import (
	"runtime"

	"github.com/citynode/citynode/crdt"
)

// batchMax is how many orders the loop takes together: as many as a processor has
// reads of memory under way.
const batchMax = 16

// runBatch runs a task and the orders queued behind it, and reports whether the city is
// to crash. It stops at the first task that is not an order. At a million heroes an
// order waits for memory as long as it computes. Of several orders the loop knows
// beforehand what they will read, and waits once for all.
//
// runBatch yields the processor before it looks who waits: while each caller wakes the
// loop for itself, callers come one at a time and no batch forms.
func (i *Incarnation) runBatch(first task) (crash bool) {
	i.batch = append(i.batch[:0], first)
	if first.run == nil {
		runtime.Gosched()
	}
	for last := first; last.run == nil && len(i.inbox) > 0 && len(i.batch) < batchMax; {
		last = <-i.inbox
		i.batch = append(i.batch, last)
	}
	i.warm()
	for at, t := range i.batch {
		i.batch[at] = task{}
		if i.turn(t) {
			return true
		}
	}
	return false
}

// warm reads ahead what the orders of a batch are going to read. It changes nothing.
func (i *Incarnation) warm() {
	if len(i.batch) < 2 {
		return
	}
	var room [batchMax]crdt.ID
	ids := room[:0]
	for _, t := range i.batch {
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

// turn runs one task and reports whether the city is to crash. A task that reads the core
// comes after the journal's news: it may read a page for the store after a fault, and what
// the fault drops must not be in that page.
func (i *Incarnation) turn(t task) bool {
	if t.run != nil {
		if i.hear() {
			return true
		}
		t.run(i)
		t.reply <- Reply{}
		return false
	}
	reply, fx := i.step(t.message)
	i.conclude(t.reply, &reply, &fx)
	return fx.Crash
}

// tick lets a tick happen.
func (i *Incarnation) tick(m Message) {
	reply, fx := i.step(m)
	i.conclude(nil, &reply, &fx)
}
