package table

import "slices"

const (
	tableShardBits = 8
	tableShards    = 1 << tableShardBits
	// A shard grows by a quarter as soon as more than four fifths of it would
	// be in use: at 2 million entries it holds some 8,000, and to lay them out
	// anew takes a fraction of a millisecond.
	tableSlots = 8 // of a shard that has any
)

// None is the reference to no record.
const None uint32 = 0

// A Table finds records, by references that its owner understands, by the hash
// of something unique or nearly so. It holds no keys: a slot has the reference and
// repeats 32 bits of the hash, so that a caller looks at hardly any record in vain. It
// uses open addressing with linear probing, in shards that grow one by one, and
// holds no pointers but those to the shards.
//
// Hashes must be keyed, for strangers choose what is hashed.
type Table struct {
	shards [tableShards]shard
}

type shard struct {
	slots []slot
	used  int
}

// A slot is free if its ref is None.
type slot struct {
	ref uint32
	tag uint32 // the low half of the hash; the high one chooses the shard
}

// A Probe goes through what a table has for one hash.
type Probe struct {
	slots []slot
	tag   uint32
	i     int
}

// Probe begins to look for the records that have this hash.
func (t *Table) Probe(hash uint64) Probe {
	slots := t.shard(hash).slots
	return Probe{slots: slots, tag: uint32(hash), i: home(uint32(hash), len(slots))}
}

// Next returns where the next record may be whose hash it is, and None at the
// end.
func (p *Probe) Next() uint32 {
	if len(p.slots) == 0 {
		return None
	}
	for {
		slot := p.slots[p.i]
		if p.i++; p.i == len(p.slots) {
			p.i = 0
		}
		if slot.ref == None || slot.tag == p.tag {
			return slot.ref
		}
	}
}

// Insert enters a record that has this hash.
func (t *Table) Insert(hash uint64, r uint32) {
	s := t.shard(hash)
	if 5*(s.used+1) > 4*len(s.slots) {
		s.grow()
	}
	s.place(slot{ref: r, tag: uint32(hash)})
	s.used++
}

// Move says that the record that was at from is now at to.
func (t *Table) Move(hash uint64, from, to uint32) {
	s := t.shard(hash)
	s.slots[s.find(hash, from)].ref = to
}

// Remove takes out the record and closes the gap: what was pushed past it
// moves up.
func (t *Table) Remove(hash uint64, r uint32) {
	s := t.shard(hash)
	gap := s.find(hash, r)
	for i := s.after(gap); s.slots[i].ref != None; i = s.after(i) {
		if s.distance(home(s.slots[i].tag, len(s.slots)), i) >= s.distance(gap, i) {
			s.slots[gap] = s.slots[i]
			gap = i
		}
	}
	s.slots[gap] = slot{}
	s.used--
}

func (t *Table) shard(hash uint64) *shard { return &t.shards[hash>>(64-tableShardBits)] }

// home returns where a tag is looked for first. It grows with the tag, so that to
// lay a shard out anew reads and writes memory in order.
func home(tag uint32, slots int) int { return int(uint64(tag) * uint64(slots) >> 32) }

func (s *shard) place(entry slot) {
	i := home(entry.tag, len(s.slots))
	for s.slots[i].ref != None {
		i = s.after(i)
	}
	s.slots[i] = entry
}

func (s *shard) grow() {
	old := s.slots
	s.slots = slices.Grow([]slot(nil), max(tableSlots, len(old)+len(old)/4))
	s.slots = s.slots[:cap(s.slots)] // all that the allocator gives
	for _, entry := range old {
		if entry.ref != None {
			s.place(entry)
		}
	}
}

// find returns the position of a record that is in the shard. Two that agree in
// hash and place are the same to the table.
func (s *shard) find(hash uint64, r uint32) int {
	want := slot{ref: r, tag: uint32(hash)}
	for i := home(want.tag, len(s.slots)); ; i = s.after(i) {
		switch s.slots[i] {
		case want:
			return i
		case slot{}:
			panic("table: a record is not in its index")
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

// Touch reads the slot at which a hash is looked for first, so that it is in the
// processor's caches when its turn comes. The result has no meaning: the caller
// adds it to something, or the compiler would leave the read out.
func (t *Table) Touch(hash uint64) uint32 {
	slots := t.shard(hash).slots
	if len(slots) == 0 {
		return 0
	}
	return slots[home(uint32(hash), len(slots))].tag
}
