package gossip

import (
	"sync"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/wake"
)

// outboxBytesMax bounds what waits to be gossiped, in bytes of its encoding:
// half a second's worth at the pace of the publisher. What does not fit is
// dropped and counted; anti-entropy brings it.
const outboxBytesMax = 16 << 20

// outbox holds the changes that wait to be gossiped, one version an id, in the
// order in which the ids first changed.
type outbox struct {
	wake wake.Signal // is set while something waits

	mu      sync.Mutex // guards waiting, order, bytes, dropped
	waiting map[crdt.ID]crdt.Record
	order   []crdt.ID
	bytes   int // of the encoding of what waits
	dropped uint64
}

func newOutbox() *outbox {
	return &outbox{wake: wake.NewSignal(), waiting: make(map[crdt.ID]crdt.Record)}
}

// add queues the changed records, each in place of an older one of the same id. It
// reports whether there was room for all.
func (o *outbox) add(changes []crdt.Change) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.dropped
	for i := range changes {
		o.addOne(changes[i].ID, &changes[i].New)
	}
	o.wake.Set()
	return o.dropped == before
}

// addOne queues one record, or drops it if there is no room. A newer version takes the
// place of an older one even in a full outbox; callers hold mu. So bytes may exceed the
// bound by as much as newer versions are longer.
func (o *outbox) addOne(id crdt.ID, r *crdt.Record) {
	size := recordSize(r)
	old, known := o.waiting[id]
	switch {
	case known:
		o.bytes -= recordSize(&old)
	case o.bytes+size > outboxBytesMax:
		o.dropped++
		return
	default:
		o.order = append(o.order, id)
	}
	o.bytes += size
	// The batch that a hero came in may be large: one waiting hero that shared its
	// memory kept 33 kB alive.
	o.waiting[id] = r.Detach()
}

// take removes and returns the oldest records, as many as a delta of bytesMax holds. A
// record is far smaller than a delta, so nothing is taken only where nothing waits.
func (o *outbox) take(bytesMax int) crdt.Entries {
	o.mu.Lock()
	defer o.mu.Unlock()
	var entries crdt.Entries
	taken, size := 0, crdt.EntriesOverheadMax
	for _, id := range o.order {
		r := o.waiting[id]
		if size += recordSize(&r); size > bytesMax {
			break
		}
		entries.Add(r)
		o.bytes -= recordSize(&r)
		delete(o.waiting, id)
		taken++
	}
	o.order = o.order[taken:]
	if len(o.order) == 0 {
		// The empty rest of it would keep the array of all ids that have waited.
		o.order = nil
	}
	return entries
}

// drops returns how many changes did not fit, so far.
func (o *outbox) drops() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

// recordSize returns the bytes of the record's encoding.
func recordSize(r *crdt.Record) int {
	if r.Kind == crdt.KindTombstone {
		return crdt.TombstoneSize(r.Tombstone)
	}
	return crdt.HeroSize(r.Hero)
}
