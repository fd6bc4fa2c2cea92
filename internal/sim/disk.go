package sim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// purgeEvery is how often the store deletes old answers, at most.
const purgeEvery = time.Minute

// disk is the durable store of one city: what package store promises, and no
// more. It outlives the city's process.
type disk struct {
	epoch   store.Epoch
	number  crdt.Stamp // the last incarnation
	synced  contents
	written []store.Batch // since the last sync: a power cut loses some of the last
	down    bool          // it has failed, and nothing reaches it
	closed  bool          // the store has seen that, and waits to be resumed
	purged  time.Time
}

// contents are what one epoch holds. Of two commits of an entry the later stands.
type contents struct {
	records map[crdt.ID]crdt.Record
	answers map[storedKey]store.Answer
}

type storedKey struct {
	at           int64
	caller, data string
}

func newContents() contents {
	return contents{records: make(map[crdt.ID]crdt.Record), answers: make(map[storedKey]store.Answer)}
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

// purge deletes the answers that are no longer remembered at now, if that was not
// done just before.
func (d *disk) purge(now time.Time) {
	if now.Sub(d.purged).Abs() < purgeEvery {
		return
	}
	d.purged = now
	maps.DeleteFunc(d.synced.answers, func(_ storedKey, a store.Answer) bool { return now.Sub(a.At) > answersLast })
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
	for _, a := range b.Answers {
		c.answers[storedKey{a.At.UnixNano(), a.Caller, string(a.Data)}] = a
	}
}

// raise voids all.
func (d *disk) raise() {
	d.epoch++
	d.synced, d.written = newContents(), nil
}

// load returns all that the store holds, but for answers from before the time since:
// entries in the order of their ids, answers in that of their times.
func (d *disk) load(since time.Time) (p store.Page) {
	all := contents{records: maps.Clone(d.synced.records), answers: maps.Clone(d.synced.answers)}
	for _, b := range d.written {
		all.add(b)
	}
	for _, id := range slices.SortedFunc(maps.Keys(all.records), crdt.ID.Compare) {
		e := all.records[id].Entries()
		p.Entries.Heroes = append(p.Entries.Heroes, e.Heroes...)
		p.Entries.Tombstones = append(p.Entries.Tombstones, e.Tombstones...)
	}
	for _, key := range slices.SortedFunc(maps.Keys(all.answers), storedKey.compare) {
		if a := all.answers[key]; !a.At.Before(since) {
			p.Answers = append(p.Answers, a)
		}
	}
	return p
}

func (k storedKey) compare(other storedKey) int {
	return cmp.Or(cmp.Compare(k.at, other.at), cmp.Compare(k.caller, other.caller), cmp.Compare(k.data, other.data))
}
