package crdt

import "slices"

// replacedMax bounds how many replaced symbols a state remembers: those of the
// time that a peer takes to ask for a symbol it has just been shown, at
// thousands of writes a second.
const replacedMax = 8 << 10

// replaced remembers the symbols of the entries that were overwritten last, and
// whose they were: a ring, and a table that finds a symbol in it.
type replaced struct {
	ring  []replacement
	next  int // the oldest, once the ring is full
	index *table
}

type replacement struct {
	symbol uint64
	hash   uint64 // of the symbol
	id     ID
}

// add remembers a symbol, in the place of the oldest if there are replacedMax.
func (l *replaced) add(now replacement) {
	if l.index == nil {
		l.index = new(table)
	}
	if len(l.ring) < replacedMax {
		l.ring = append(l.ring, now)
		l.index.insert(now.hash, ringAt(len(l.ring)-1))
		return
	}
	old := &l.ring[l.next]
	l.index.remove(old.hash, ringAt(l.next))
	l.index.insert(now.hash, ringAt(l.next))
	*old = now
	l.next = (l.next + 1) % replacedMax
}

// idsOf returns whose symbol it was, in the order of their IDs.
func (l *replaced) idsOf(hash, symbol uint64) (ids []ID) {
	if l.index == nil {
		return nil
	}
	p := l.index.probe(hash)
	for r := p.next(); r != none; r = p.next() {
		if was := &l.ring[r.at()]; was.symbol == symbol {
			ids = append(ids, was.id)
		}
	}
	slices.SortFunc(ids, ID.Compare)
	return slices.Compact(ids)
}

// ringAt is a position in the ring as a table keeps it.
func ringAt(i int) ref { return heroAt(uint32(i)) }
