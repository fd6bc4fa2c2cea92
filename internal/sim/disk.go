package sim

import (
	"maps"
	"slices"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// disk is the durable store of one city: what package store promises, and no
// more. It outlives the city's process.
type disk struct {
	epoch   store.Epoch
	number  crdt.Stamp // the last incarnation
	synced  contents
	written []store.Batch // since the last sync: a power cut loses some of the last
	down    bool          // it has failed, and nothing reaches it
	closed  bool          // the store has seen that, and waits to be resumed
}

// contents are what one epoch holds. Of two commits of an entry the later stands.
type contents struct {
	records map[crdt.ID]crdt.Record
	answers map[uint64]store.Answer // by number
}

func newContents() contents {
	return contents{records: make(map[crdt.ID]crdt.Record), answers: make(map[uint64]store.Answer)}
}

func newDisk() *disk { return &disk{epoch: 1, synced: newContents()} }

// fails reports whether something that was asked of the disk has failed, which may
// be the first that fails. It closes the store.
func (d *disk) fails(n *node) bool {
	if d.closed || d.down || n.w.chance(n.w.profile.failPermil) {
		n.failDisk()
	}
	return d.closed
}

// write writes a batch that was begun when its epoch was the present one. One
// that has been voided since is where nobody looks.
func (d *disk) write(b store.Batch) {
	if b.Epoch != d.epoch {
		return
	}
	d.written = append(d.written, b)
	if !b.Lazy {
		d.sync(len(d.written))
	}
}

// sync makes the first n batches durable, and drops the others.
func (d *disk) sync(n int) {
	for _, b := range d.written[:n] {
		d.synced.add(b)
	}
	d.written = nil
}

// add adds a batch, the tombstones last, so that they stand in place of heroes.
func (c contents) add(b store.Batch) {
	for _, h := range b.Entries.Heroes {
		c.records[h.ID] = crdt.Record{Kind: crdt.KindHero, Hero: h}
	}
	for _, t := range b.Entries.Tombstones {
		c.records[t.ID] = crdt.Record{Kind: crdt.KindTombstone, Tombstone: t}
	}
	if b.OnlyAnswers {
		clear(c.answers)
	}
	for _, a := range b.Answers {
		c.answers[a.Number] = a
	}
	for _, number := range b.Forgotten {
		delete(c.answers, number)
	}
}

// raise voids all.
func (d *disk) raise() {
	d.epoch++
	d.synced, d.written = newContents(), nil
}

// load returns all that the store holds: entries in the order of their ids, answers in
// that of their numbers.
func (d *disk) load() (p store.Part) {
	all := contents{records: maps.Clone(d.synced.records), answers: maps.Clone(d.synced.answers)}
	for _, b := range d.written {
		all.add(b)
	}
	for _, id := range slices.SortedFunc(maps.Keys(all.records), crdt.ID.Compare) {
		p.Entries.Add(all.records[id])
	}
	for _, number := range slices.Sorted(maps.Keys(all.answers)) {
		p.Answers = append(p.Answers, all.answers[number])
	}
	return p
}
