package node

import (
	"strings"
	"sync"

	"github.com/citynode/citynode/crdt"
)

// outboxBytesMax bounds what waits to be gossiped, in bytes of its encoding:
// half a second's worth at the pace of the publisher. What does not fit is
// dropped and counted; anti-entropy brings it.
const outboxBytesMax = 16 << 20

// outbox holds the changes that wait to be gossiped, one version an id, in the
// order in which the ids first changed.
type outbox struct {
	wake chan struct{} // has a token while something waits

	mu      sync.Mutex // guards the rest
	waiting map[crdt.ID]crdt.Record
	order   []crdt.ID
	bytes   int // of the encoding of what waits
	dropped uint64
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), waiting: make(map[crdt.ID]crdt.Record)}
}

// add queues records, each in place of an older one of the same id, and tells
// whether all fitted.
func (o *outbox) add(records ...crdt.Record) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.dropped
	for i := range records {
		o.addOne(&records[i])
	}
	poke(o.wake)
	return o.dropped == before
}

func (o *outbox) addOne(r *crdt.Record) {
	id, size := r.Hero.ID, recordSize(r)
	if r.Kind == crdt.KindTombstone {
		id = r.Tombstone.ID
	}
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
	kept := *r
	kept.Hero.Name = strings.Clone(r.Hero.Name) // the batch that it came in may be large
	o.waiting[id] = kept
}

// take removes the oldest records whose delta is at most bytesMax.
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
		if r.Kind == crdt.KindHero {
			entries.Heroes = append(entries.Heroes, r.Hero)
		} else {
			entries.Tombstones = append(entries.Tombstones, r.Tombstone)
		}
		o.bytes -= recordSize(&r)
		delete(o.waiting, id)
		taken++
	}
	o.order = o.order[taken:]
	if len(o.order) == 0 {
		o.order = nil
	}
	return entries
}

// drops counts what did not fit.
func (o *outbox) drops() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

func recordSize(r *crdt.Record) int {
	if r.Kind == crdt.KindTombstone {
		return crdt.TombstoneSize(r.Tombstone)
	}
	return crdt.HeroSize(r.Hero)
}
