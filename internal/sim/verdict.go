package sim

import (
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
	"github.com/citynode/citynode/internal/reconcile"
)

// completed checks what a complete sync promises to one side: it holds what
// the other held at the start, but for heroes that were skipped.
func (o *oracle) completed(n *node, others holdings, result reconcile.Result) {
	var lacking uint64
	for _, r := range others {
		held := o.shadows[n.index].records[history.IDOf(r)]
		if n.core == nil {
			held = crdt.Record{}
		}
		if history.Covers(held, r) {
			continue
		}
		lacking++
		tooMuch := lacking > result.Skipped
		if tooMuch || r.Kind != crdt.KindHero && !(n.core != nil && o.mayLeaveOut(n, history.IDOf(r))) {
			o.w.fail("after a complete sync each side holds what the other held", "%v holds %s, the other held %s; skipped %d",
				n, describeRecord(held), describeRecord(r), result.Skipped)
		}
	}
}

// judge checks the end of a run: nobody is missing, and nothing in its history
// must not be.
func (o *oracle) judge() {
	var finals []history.Final
	for _, n := range o.w.nodes {
		if n.core == nil || !n.core.IsOpen() {
			o.w.fail("every city is open in the end", "%v is not", n)
			return
		}
		o.judgeShadow(n)
		o.judgeWaiting(n)
		o.judgeDisk(n)
		final := history.FinalOf(n.name, n.core.State())
		final.Full = n.core.Full()
		finals = append(finals, final)
	}
	for _, v := range history.Check(o.told(), finals) {
		o.w.fail(string(v.Rule), "%s", v.Detail)
	}
}

// judgeWaiting checks that at rest nobody waits, and no fault is left.
func (o *oracle) judgeWaiting(n *node) {
	if n.journal == nil {
		return
	}
	if waiting := n.held.Waiting(); len(waiting) > 0 {
		o.w.fail("who waits is answered once the store is at rest", "%v: %d wait", n, len(waiting))
	}
	if fault := n.core.StoreFault(); fault != "" {
		o.w.fail("a fault of the store ends with its cause", "%v: %s", n, fault)
	}
}

// judgeDisk checks that a store that has come to rest lacks nothing.
func (o *oracle) judgeDisk(n *node) {
	if n.journal == nil {
		return
	}
	s, stored := o.shadows[n.index], n.disk.synced.records
	n.disk.sync(len(n.disk.written))
	for _, id := range s.ids {
		if !history.Covers(stored[id], s.records[id]) {
			o.w.fail("a store at rest lacks nothing", "%v holds %s, its store %s", n, describeRecord(s.records[id]), describeRecord(stored[id]))
		}
	}
}

// judgeShadow checks that an incarnation holds what it told, all of it and
// nothing else.
func (o *oracle) judgeShadow(n *node) {
	s := o.shadows[n.index]
	summary := n.core.State().Summary()
	if uint64(len(s.ids)) != summary.Heroes+summary.Tombstones {
		o.w.fail("a city holds what it told", "%v told of %d IDs, holds %d+%d", n, len(s.ids), summary.Heroes, summary.Tombstones)
	}
	for _, id := range s.ids {
		if got := n.core.State().Record(id); got != s.records[id] {
			o.w.fail("a city holds what it told", "%v holds %s, told %s", n, describeRecord(got), describeRecord(s.records[id]))
		}
	}
}
