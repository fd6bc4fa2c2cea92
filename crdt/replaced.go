package crdt

import (
	"slices"

	"github.com/citynode/citynode/crdt/internal/table"
)

// replacedMax bounds how many replaced symbols a state remembers: those of the
// time that a peer takes to ask for a symbol it has just been shown, at
// thousands of writes a second.
const replacedMax = 8 << 10

// replaced remembers the symbols of the entries that were overwritten last, and
// whose they were: a ring, and a table that finds a symbol in it.
type replaced struct {
	ring  []replacement
	next  int // the oldest, once the ring is full
	index *table.Table
}

type replacement struct {
	symbol uint64
	hash   uint64 // of the symbol
	id     ID
}

// add remembers a symbol, in the place of the oldest if there are replacedMax.
func (l *replaced) add(now replacement) {
	if l.index == nil {
		l.index = new(table.Table)
	}
	if len(l.ring) < replacedMax {
		l.ring = append(l.ring, now)
		l.index.Insert(now.hash, uint32(ringAt(len(l.ring)-1)))
		return
	}
	old := &l.ring[l.next]
	l.index.Remove(old.hash, uint32(ringAt(l.next)))
	l.index.Insert(now.hash, uint32(ringAt(l.next)))
	*old = now
	l.next = (l.next + 1) % replacedMax
}

// idsOf returns whose symbol it was, in the order of their IDs.
func (l *replaced) idsOf(hash, symbol uint64) (ids []ID) {
	if l.index == nil {
		return nil
	}
	p := l.index.Probe(hash)
	for r := ref(p.Next()); r != none; r = ref(p.Next()) {
		if was := &l.ring[r.at()]; was.symbol == symbol {
			ids = append(ids, was.id)
		}
	}
	slices.SortFunc(ids, ID.Compare)
	return slices.Compact(ids)
}

// ringAt returns a position in the ring as a table keeps it.
func ringAt(i int) ref { return heroAt(uint32(i)) }
