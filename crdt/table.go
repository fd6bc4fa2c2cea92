package crdt

import "slices"

const (
	tableShardBits = 8
	tableShards    = 1 << tableShardBits
	// A shard grows by a quarter as soon as more than four fifths of it would
	// be in use: at 2 million entries it holds some 8,000, and to lay them out
	// anew takes a fraction of a millisecond.
	tableSlots = 8 // of a shard that has any
)

// table finds records by the hash of something unique or nearly so: the ID or
// the symbol. It holds no keys: a slot says where the record is and repeats 32
// bits of the hash, so that a caller looks at hardly any record in vain. It
// uses open addressing with linear probing, in shards that grow one by one, and
// holds no pointers but those to the shards.
//
// Hashes must be keyed, since peers choose what is hashed. Nothing that can be
// seen from outside the package depends on the key.
type table struct {
	shards [tableShards]shard
}

type shard struct {
	slots []slot
	used  int
}

// slot is free if ref is none.
type slot struct {
	ref ref
	tag uint32 // the low half of the hash; the high one chooses the shard
}

// probe goes through what a table has for one hash.
type probe struct {
	slots []slot
	tag   uint32
	i     int
}

func (t *table) probe(hash uint64) probe {
	slots := t.shard(hash).slots
	return probe{slots: slots, tag: uint32(hash), i: home(uint32(hash), len(slots))}
}

// next returns where the next record may be whose hash it is, and none at the
// end.
func (p *probe) next() ref {
	if len(p.slots) == 0 {
		return none
	}
	for {
		slot := p.slots[p.i]
		if p.i++; p.i == len(p.slots) {
			p.i = 0
		}
		if slot.ref == none || slot.tag == p.tag {
			return slot.ref
		}
	}
}

// insert enters a record that has this hash.
func (t *table) insert(hash uint64, r ref) {
	s := t.shard(hash)
	if 5*(s.used+1) > 4*len(s.slots) {
		s.grow()
	}
	s.place(slot{ref: r, tag: uint32(hash)})
	s.used++
}

// move says that the record that was at from is now at to.
func (t *table) move(hash uint64, from, to ref) {
	s := t.shard(hash)
	s.slots[s.find(hash, from)].ref = to
}

// remove takes out the record and closes the gap: what was pushed past it
// moves up.
func (t *table) remove(hash uint64, r ref) {
	s := t.shard(hash)
	gap := s.find(hash, r)
	for i := s.after(gap); s.slots[i].ref != none; i = s.after(i) {
		if s.distance(home(s.slots[i].tag, len(s.slots)), i) >= s.distance(gap, i) {
			s.slots[gap] = s.slots[i]
			gap = i
		}
	}
	s.slots[gap] = slot{}
	s.used--
}

func (t *table) shard(hash uint64) *shard { return &t.shards[hash>>(64-tableShardBits)] }

// home is where a tag is looked for first. It grows with the tag, so that to
// lay a shard out anew reads and writes memory in order.
func home(tag uint32, slots int) int { return int(uint64(tag) * uint64(slots) >> 32) }

func (s *shard) place(entry slot) {
	i := home(entry.tag, len(s.slots))
	for s.slots[i].ref != none {
		i = s.after(i)
	}
	s.slots[i] = entry
}

func (s *shard) grow() {
	old := s.slots
	s.slots = slices.Grow([]slot(nil), max(tableSlots, len(old)+len(old)/4))
	s.slots = s.slots[:cap(s.slots)] // all that the allocator gives
	for _, entry := range old {
		if entry.ref != none {
			s.place(entry)
		}
	}
}

// find returns the position of a record that is in the shard. Two that agree in
// hash and place are the same to the table.
func (s *shard) find(hash uint64, r ref) int {
	want := slot{ref: r, tag: uint32(hash)}
	for i := home(want.tag, len(s.slots)); ; i = s.after(i) {
		switch s.slots[i] {
		case want:
			return i
		case slot{}:
			panic("crdt: a record is not in its index")
		}
	}
}

func (s *shard) after(i int) int {
	if i++; i == len(s.slots) {
		return 0
	}
	return i
}

// distance returns how many steps it is from one slot to another.
func (s *shard) distance(from, to int) int {
	if to < from {
		return to - from + len(s.slots)
	}
	return to - from
}
