package city

import "github.com/citynode/citynode/crdt"

// cutChangesMax is how many entries may change, while a cut is read, that the cut has yet
// to give: about 50 MB. A city that stores 20,000 orders a second, more than any was
// measured to, makes so many in 13 s, and a million heroes are read in five; who reads
// too slowly has to begin anew.
const cutChangesMax = 1 << 18

// A cut is the state of a core at one moment. It keeps what the state has held since of
// those entries that have changed and were not given yet. So to take one costs nothing,
// and to keep one costs a look at each change.
//
// Own writes that are not durable yet are no part of the state, nor of a cut of it.
type cut struct {
	before map[crdt.ID]crdt.Record // what was there at the cut; KindNone: nothing was
	lost   bool                    // too much has changed: before is not complete
	// giving is the kind that is given now, in the ascending order of the IDs, last the
	// last ID that was. KindNone: none yet, for the IDs are still collected.
	giving crdt.Kind
	last   crdt.ID
}

// beginCut has the core remember the state as it is now. It returns nil if the core
// remembers one already.
func (c *Core) beginCut() *cut {
	if c.cut != nil {
		return nil
	}
	c.cut = &cut{before: make(map[crdt.ID]crdt.Record)}
	return c.cut
}

// endCut forgets a cut, unless it is forgotten already.
func (c *Core) endCut(is *cut) {
	if c.cut == is {
		c.cut = nil
	}
}

// note keeps what was there before the first change of an entry. Every write of the state
// has to be told.
func (k *cut) note(change *crdt.Change) {
	if k.lost || k.given(change) {
		return
	}
	if _, known := k.before[change.ID]; known {
		return
	}
	if len(k.before) == cutChangesMax {
		k.lost, k.before = true, nil
		return
	}
	k.before[change.ID] = change.Old.Detach()
}

// given reports whether what was there before a change is not asked for any more. Whoever
// was born after all IDs were collected is not asked for at all.
func (k *cut) given(change *crdt.Change) bool {
	switch change.Old.Kind {
	case crdt.KindTombstone:
		return k.giving == crdt.KindHero || k.giving == crdt.KindTombstone && change.ID.Compare(k.last) <= 0
	case crdt.KindHero:
		return k.giving == crdt.KindHero && change.ID.Compare(k.last) <= 0
	default:
		return k.giving != crdt.KindNone
	}
}

// cutRecords returns what the state held at the cut of some IDs, which ascend. They were
// collected as IDs of one kind, and each is asked for once a kind. ok is false if too much
// has changed meanwhile.
func (c *Core) cutRecords(k *cut, kind crdt.Kind, ids []crdt.ID) (records []crdt.Record, ok bool) {
	if k.lost {
		return nil, false
	}
	records = make([]crdt.Record, len(ids))
	for i, id := range ids {
		was, changed := k.before[id]
		if !changed {
			was = c.state.Record(id)
		}
		records[i] = was
		delete(k.before, id)
	}
	k.giving, k.last = kind, ids[len(ids)-1]
	return records, true
}
