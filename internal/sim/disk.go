package sim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
)

// purgeEvery is how often the store deletes old answers, at most.
const purgeEvery = time.Minute

// batch is what becomes durable together.
type batch struct {
	epoch   int
	records []crdt.Record
	answers []city.Answered
	lazy    bool // not synced
}

// disk is the durable store of one city: what package store promises, and no
// more. It outlives the city's process.
type disk struct {
	epoch   int // how often all was voided
	number  crdt.Stamp
	synced  contents
	written []batch // since the last sync: a power cut loses some of the last
	down    bool    // it has failed, and nothing reaches it
	purged  time.Time
}

// contents are what one epoch holds. Of two commits of an entry the later stands.
type contents struct {
	records map[crdt.ID]crdt.Record
	answers map[storedKey]city.Answered
}

type storedKey struct {
	at      int64
	caller  string
	request crdt.ID
}

func newContents() contents {
	return contents{records: make(map[crdt.ID]crdt.Record), answers: make(map[storedKey]city.Answered)}
}

func newDisk() *disk { return &disk{synced: newContents()} }

// write writes a batch that was begun when its epoch was the present one. One
// that has been voided since is where nobody looks.
func (d *disk) write(b batch) {
	if b.epoch != d.epoch {
		return
	}
	d.written = append(d.written, b)
	if !b.lazy {
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
	maps.DeleteFunc(d.synced.answers, func(_ storedKey, a city.Answered) bool { return now.Sub(a.At) > answersLast })
}

// sync makes the first n batches durable, and drops the others.
func (d *disk) sync(n int) {
	for _, b := range d.written[:n] {
		d.synced.add(b)
	}
	d.written = nil
}

func (c contents) add(b batch) {
	for _, r := range b.records {
		c.records[history.IDOf(r)] = r
	}
	for _, a := range b.answers {
		c.answers[storedKey{a.At.UnixNano(), a.Name, a.Request}] = a
	}
}

// raise voids all.
func (d *disk) raise() {
	d.epoch++
	d.synced, d.written = newContents(), nil
}

// load is all that the store holds, but for answers from before the time since:
// entries in the order of their ids, answers in that of their times. The batch of
// a commit that runs is seen before it is durable.
func (d *disk) load(since time.Time, flying *batch) (crdt.Entries, []city.Answered) {
	all := contents{records: maps.Clone(d.synced.records), answers: maps.Clone(d.synced.answers)}
	for _, b := range d.written {
		all.add(b)
	}
	if flying != nil && flying.epoch == d.epoch {
		all.add(*flying)
	}
	var entries crdt.Entries
	for _, id := range slices.SortedFunc(maps.Keys(all.records), crdt.ID.Compare) {
		e := all.records[id].Entries()
		entries.Heroes = append(entries.Heroes, e.Heroes...)
		entries.Tombstones = append(entries.Tombstones, e.Tombstones...)
	}
	var answers []city.Answered
	for _, key := range slices.SortedFunc(maps.Keys(all.answers), storedKey.compare) {
		if a := all.answers[key]; !a.At.Before(since) {
			answers = append(answers, a)
		}
	}
	return entries, answers
}

func (k storedKey) compare(other storedKey) int {
	return cmp.Or(cmp.Compare(k.at, other.at), cmp.Compare(k.caller, other.caller), k.request.Compare(other.request))
}
