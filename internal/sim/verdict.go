package sim

import (
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// completed checks what a complete sync promises to one side: it holds what
// the other held at the start, but for heroes that were skipped.
func (o *oracle) completed(n *node, others holdings, result reconcile.Result) {
	var lacking uint64
	for _, r := range others {
		held := o.shadows[n.index].records[idOf(r)]
		if n.core == nil {
			held = crdt.Record{}
		}
		if covers(held, r) {
			continue
		}
		lacking++
		if r.Kind != crdt.KindHero || lacking > result.Skipped {
			o.w.fail("after a complete sync each side holds what the other held", "%v holds %s, the other held %s; skipped %d",
				n, describeRecord(held), describeRecord(r), result.Skipped)
		}
	}
}

func idOf(r crdt.Record) crdt.ID {
	if r.Kind == crdt.KindTombstone {
		return r.Tombstone.ID
	}
	return r.Hero.ID
}

// judge checks the end of a run: nobody is missing, all hold the same, and
// nothing is lost that a surviving incarnation ever held.
func (o *oracle) judge() {
	for _, n := range o.w.nodes {
		if n.core == nil || !n.core.IsOpen() {
			o.w.fail("every city is open in the end", "%v is not", n)
			return
		}
		o.judgeShadow(n)
		if first := o.w.nodes[0]; n.core.State().Summary() != first.core.State().Summary() {
			o.w.fail("all cities hold the same in the end", "%v: %+v, %v: %+v%s", first, first.core.State().Summary(),
				n, n.core.State().Summary(), o.firstDifference(first, n))
		}
	}
	for _, n := range o.w.nodes {
		o.judgeSurvivor(n)
	}
	for _, given := range o.orders {
		o.judgeOrder(given)
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

// judgeSurvivor checks that what one incarnation ever held is everywhere, or
// something later.
func (o *oracle) judgeSurvivor(survivor *node) {
	s := o.shadows[survivor.index]
	for _, id := range s.ids {
		held := s.records[id]
		for _, n := range o.w.nodes {
			now := n.core.State().Record(id)
			if held.Kind == crdt.KindTombstone && now.Kind == crdt.KindHero {
				o.w.fail("a dead hero stays dead", "%v holds %s, %v knew of its death", n, describeRecord(now), survivor)
			}
			if !covers(now, held) {
				o.w.fail("what a surviving city held is not lost", "%v holds %s, %v held %s", n, describeRecord(now), survivor, describeRecord(held))
			}
		}
	}
}

// judgeOrder checks that an answered order is there, or one that came after
// it, or the hero's death, unless no surviving city held what it wrote.
func (o *oracle) judgeOrder(given order) {
	id, survives := idOf(given.record), false
	for _, s := range o.shadows {
		survives = survives || covers(s.records[id], given.record)
	}
	for _, n := range o.w.nodes {
		if now := n.core.State().Record(id); survives && !covers(now, given.record) {
			o.w.fail("an answered order is kept, or a later one", "%s: %v holds %s, it wrote %s", given.what, n,
				describeRecord(now), describeRecord(given.record))
		}
	}
}

// firstDifference tells one record that two cities do not share.
func (o *oracle) firstDifference(a, b *node) string {
	for _, pair := range [][2]*node{{a, b}, {b, a}} {
		for _, id := range o.shadows[pair[0].index].ids {
			left, right := pair[0].core.State().Record(id), pair[1].core.State().Record(id)
			if left != right {
				return "; " + pair[0].String() + " holds " + describeRecord(left) + ", " + pair[1].String() + " " + describeRecord(right)
			}
		}
	}
	return ""
}
