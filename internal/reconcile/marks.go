package reconcile

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/citynode/citynode/crdt"
)

// marksMax is how many entries one walk for an audit's sketch takes in. With half as many
// more, which it holds for a moment, at 20 bytes each, an audit takes 15 MiB, whatever the
// state holds. A state of which it covers more is walked through again for each marksMax,
// at a fraction of what the first walk costs: a million entries take a fifth longer in two
// walks than in one.
const marksMax = 1 << 19

// A mark is an entry that a walk met: the hash of its ID, its symbol in the audit, and its
// place in the order of the walk. It has no part that would need padding.
type mark struct {
	hash   [2]uint32
	halves [2]uint32
	nth    uint32
}

func (m mark) symbol() uint64 { return joined(m.halves) }

func split(n uint64) [2]uint32       { return [2]uint32{uint32(n >> 32), uint32(n)} }
func joined(halves [2]uint32) uint64 { return uint64(halves[0])<<32 | uint64(halves[1]) }

// marks are the entries of one walk: of those beyond a hash the first by the hashes of
// their IDs, as many as may be. A walk may meet an ID twice; only the later version counts.
// The hash is of a seed that nobody else knows, so that nobody can make IDs that take more
// walks than others, or that are taken for one. Of a million IDs two have one hash in one
// of thirty million audits, and then one entry is missing in it.
type marks struct {
	audit   Audit
	seed    maphash.Seed
	most    int
	after   uint64 // those up to it were taken in by walks before
	begun   bool   // there was a walk before
	met     []mark
	nth     uint32
	bounded bool // those beyond bound are left to the next walk
	bound   uint64
}

// newMarks returns no marks, for the first walk, in the memory of others.
func newMarks(a Audit, most int, room []mark) *marks {
	return &marks{audit: a, seed: maphash.MakeSeed(), most: most, met: room[:0]}
}

// expect makes room for about so many at once: to grow into it would take twice as much
// for a moment.
func (m *marks) expect(entries uint64) {
	if room := int(min(entries+entries/16, uint64(m.most+m.most/2))); cap(m.met) < room {
		m.met = make([]mark, 0, room)
	}
}

// goOn forgets the marks, for the walk that takes in what these have left.
func (m *marks) goOn() {
	m.begun, m.after = true, m.bound
	m.bounded, m.met, m.nth = false, m.met[:0], 0
}

func (m *marks) hash(id crdt.ID) uint64 { return maphash.Bytes(m.seed, id[:]) }

// takes reports whether an entry is one for this walk.
func (m *marks) takes(id crdt.ID) bool {
	if !m.audit.Covers(id) {
		return false
	}
	if !m.begun && !m.bounded {
		return true
	}
	hash := m.hash(id)
	return !(m.begun && hash <= m.after || m.bounded && hash > m.bound)
}

// add takes in an entry that is one for this walk.
func (m *marks) add(id crdt.ID, f crdt.Fingerprint) {
	m.met = append(m.met, mark{split(m.hash(id)), split(m.audit.Symbol(f)), m.nth})
	m.nth++
	if len(m.met) >= m.most+m.most/2 {
		m.shrink()
	}
}

// shrink sorts the marks, and leaves one of each ID and no more than may be.
func (m *marks) shrink() {
	slices.SortFunc(m.met, func(a, b mark) int {
		return cmp.Or(cmp.Compare(joined(a.hash), joined(b.hash)), cmp.Compare(b.nth, a.nth)) // the later one first
	})
	m.met = slices.CompactFunc(m.met, func(a, b mark) bool { return a.hash == b.hash })
	if len(m.met) > m.most {
		m.met = m.met[:m.most]
		m.bounded, m.bound = true, joined(m.met[m.most-1].hash)
	}
}
