package city

import (
	"maps"
	"slices"

	"github.com/citynode/citynode/crdt"
)

// An overlay has the own writes of a city that are not durable yet: orders, ticks and own
// rules. Every own write goes by the overlay over the state. All others see the state
// alone, so nobody can hold, and bring back after a crash, what the crash undid: a
// request that is sent again is then carried out as if for the first time. What
// neighbours and callers bring enters the state at once, for others have it already.
//
// There is one record for each own write that waits for the disk, so the overlay is
// bounded by the callers that wait, and by the ticks of a commit's time.
type overlay struct {
	last map[crdt.ID]crdt.Record // the last own write of each id
	// extra is what the state's summary lacks to be that of the state with the
	// overlay.
	extra crdt.Summary
}

func newOverlay() *overlay { return &overlay{last: make(map[crdt.ID]crdt.Record)} }

// Record returns what own writes go by: what the state holds of an id, or the own write
// that is going to be there.
func (c *Core) Record(id crdt.ID) crdt.Record {
	held := c.state.Record(id)
	if c.overlay != nil {
		if own, ok := c.overlay.last[id]; ok && own.Beats(&held) {
			return own
		}
	}
	return held
}

// summary returns what a reply has: the summary of the state with all own writes so far,
// behind which the reply waits. While the store does not work replies wait for nothing,
// and show nothing that does.
func (c *Core) summary() crdt.Summary {
	if c.overlay == nil || c.storeFault != "" {
		return c.state.Summary()
	}
	return c.state.Summary().Plus(c.overlay.extra)
}

// write makes an own write, unless what the city goes by is greater. It reports whether
// it did.
func (c *Core) write(r crdt.Record, fx *Effects) bool {
	if c.overlay == nil {
		change, ok := c.merge(&r)
		if ok {
			fx.Changes = append(fx.Changes, change)
		}
		return ok
	}
	old := c.Record(r.ID())
	if !r.Beats(&old) {
		return false
	}
	c.overlay.put(r, old)
	fx.Pending = append(fx.Pending, r)
	return true
}

func (o *overlay) put(r, old crdt.Record) {
	o.last[r.ID()] = r
	o.extra = o.extra.Plus(crdt.SummaryOf(r)).Minus(crdt.SummaryOf(old))
}

func (c *Core) merge(r *crdt.Record) (change crdt.Change, changed bool) {
	if r.Kind == crdt.KindTombstone {
		change, changed = c.state.MergeTombstone(r.Tombstone)
	} else {
		change, changed = c.state.MergeHero(r.Hero)
	}
	if changed && c.cut != nil {
		c.cut.note(&change)
	}
	return change, changed
}

// bring merges what others brought into the state, with at most newMax unknown IDs.
func (c *Core) bring(entries crdt.Entries, horizon crdt.Stamp, newMax int, fx *Effects) crdt.Merged {
	merged := c.state.MergeWithin(entries, horizon, newMax)
	if c.cut != nil {
		for i := range merged.Changes {
			c.cut.note(&merged.Changes[i])
		}
	}
	fx.Changes, fx.Brought, fx.Future = merged.Changes, len(merged.Changes), merged.Future
	if c.overlay != nil && len(c.overlay.last) > 0 {
		for i := range merged.Changes {
			if c.overlay.hides(&merged.Changes[i]) {
				fx.hidden = append(fx.hidden, i)
			}
		}
	}
	return merged
}

// hides reports whether an own write is greater than what a change of the state brought,
// and accounts for the change.
func (o *overlay) hides(change *crdt.Change) bool {
	own, ok := o.last[change.ID]
	if !ok {
		return false
	}
	seenBefore, seenNow := &change.Old, &change.New
	if own.Beats(seenBefore) {
		seenBefore = &own
	}
	hides := own.Beats(seenNow)
	if hides {
		seenNow = &own
	}
	o.extra = o.extra.Plus(crdt.SummaryOf(*seenNow)).Minus(crdt.SummaryOf(*seenBefore)).
		Minus(crdt.SummaryOf(change.New)).Plus(crdt.SummaryOf(change.Old))
	return hides
}

// covers reports whether an own write that waits is greater than a record.
func (o *overlay) covers(held crdt.Record) bool {
	own, ok := o.last[held.ID()]
	return ok && own.Beats(&held)
}

// enter moves the own writes of a turn, which have become durable, into the state. What
// they change there becomes the effects' Changes. The turn's answer is given now.
func (c *Core) enter(fx *Effects) {
	fx.Changes, fx.Brought, fx.Source = nil, 0, SourceSelf
	for i := range fx.Pending {
		r := &fx.Pending[i]
		before := c.state.Summary()
		if change, ok := c.merge(r); ok {
			fx.Changes = append(fx.Changes, change)
			c.overlay.extra = c.overlay.extra.Minus(c.state.Summary().Minus(before))
		}
		if c.overlay.last[r.ID()] == *r {
			delete(c.overlay.last, r.ID())
		}
	}
	fx.Pending = nil
	if fx.answered != nil {
		c.answers.given(fx.answered)
	}
}

// withdraw undoes all own writes that wait but those of some turns, in their order, and
// forgets the answers of the others.
func (c *Core) withdraw(kept, others []*Effects) {
	c.overlay = newOverlay()
	for _, fx := range kept {
		for _, r := range fx.Pending {
			if old := c.Record(r.ID()); r.Beats(&old) {
				c.overlay.put(r, old)
			}
		}
	}
	for _, fx := range others {
		if fx.answered != nil {
			c.answers.withdraw(fx.answered)
		}
	}
}

// PageToStore returns the page of the state at the cursor, as the State's Page does, with
// own writes that wait in place of what they are going to replace. The last page has
// those of them that no page had. So what all pages hold is never older than what a
// journal that appends meanwhile was given.
func (c *Core) PageToStore(at crdt.Cursor, bytesMax int) (e crdt.Entries, next crdt.Cursor, more bool) {
	e, next, more = c.state.Page(at, bytesMax)
	if c.overlay == nil || len(c.overlay.last) == 0 {
		return e, next, more
	}
	e.Heroes = slices.DeleteFunc(e.Heroes, func(h crdt.Hero) bool { return c.overlay.covers(crdt.HeroRecord(h)) })
	e.Tombstones = slices.DeleteFunc(e.Tombstones, func(t crdt.Tombstone) bool { return c.overlay.covers(crdt.TombstoneRecord(t)) })
	if !more {
		for _, id := range slices.SortedFunc(maps.Keys(c.overlay.last), crdt.ID.Compare) {
			e.Add(c.Record(id))
		}
	}
	return e, next, more
}
