package node

import (
	"sync"

	"github.com/citynode/citynode/crdt"
)

// outboxMax bounds what waits to be gossiped, at about 200 bytes each. What
// does not fit is dropped and counted; anti-entropy brings it.
const outboxMax = 32 << 10

// envelopeBytes is more than what an entries map needs beside its entries: the
// map's head, two keys and two array heads.
const envelopeBytes = 16

// outbox holds the changes that wait to be gossiped, one version an id, in the
// order in which the ids first changed.
type outbox struct {
	wake chan struct{} // has a token while something waits

	mu      sync.Mutex // guards the rest
	waiting map[crdt.ID]crdt.Record
	order   []crdt.ID
	dropped uint64
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), waiting: make(map[crdt.ID]crdt.Record)}
}

// add queues a record, in place of an older one of the same id.
func (o *outbox) add(r crdt.Record) {
	id := r.Hero.ID
	if r.Kind == crdt.KindTombstone {
		id = r.Tombstone.ID
	}
	o.mu.Lock()
	_, known := o.waiting[id]
	switch {
	case known:
		o.waiting[id] = r
	case len(o.order) < outboxMax:
		o.waiting[id] = r
		o.order = append(o.order, id)
	default:
		o.dropped++
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take removes the oldest records whose delta is at most bytesMax.
func (o *outbox) take(bytesMax int) crdt.Entries {
	o.mu.Lock()
	defer o.mu.Unlock()
	var entries crdt.Entries
	taken, size := 0, envelopeBytes
	for _, id := range o.order {
		r := o.waiting[id]
		if size += recordSize(r); size > bytesMax {
			break
		}
		some := r.Entries()
		entries.Heroes = append(entries.Heroes, some.Heroes...)
		entries.Tombstones = append(entries.Tombstones, some.Tombstones...)
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

func recordSize(r crdt.Record) int {
	if r.Kind == crdt.KindTombstone {
		return crdt.TombstoneSize(r.Tombstone)
	}
	return crdt.HeroSize(r.Hero)
}
