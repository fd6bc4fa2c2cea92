package reconcile

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/citynode/citynode/crdt"
)

// marksMax is how many entries one walk for an audit's sketch takes in. With half as many
// more, which it holds for a moment, at 28 bytes each, an audit takes 42 MiB, whatever the
// state holds. A state of which it covers more is walked through again for each marksMax,
// at a fraction of what the first walk costs.
const marksMax = 1 << 20

// A mark is an entry that a walk met: its ID, its symbol in the audit, and its place in the
// order of the walk. It has no part that would need padding.
type mark struct {
	id     crdt.ID
	halves [2]uint32
	nth    uint32
}

func (m mark) symbol() uint64 { return uint64(m.halves[0])<<32 | uint64(m.halves[1]) }

// marks are the entries of one walk: of those beyond an ID the first by ID, as many as may
// be. A walk may meet an ID twice; only the later version counts. IDs order them rather
// than hashes of IDs, so that nobody can make IDs that take more walks than others.
type marks struct {
	audit   Audit
	most    int
	after   crdt.ID // those up to it were taken in by walks before
	begun   bool    // there was a walk before
	met     []mark
	nth     uint32
	bounded bool // those beyond bound are left to the next walk
	bound   crdt.ID
}

// newMarks returns no marks, for the first walk, in the memory of others.
func newMarks(a Audit, most int, room []mark) *marks {
	return &marks{audit: a, most: most, met: room[:0]}
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

// takes reports whether an entry is one for this walk.
func (m *marks) takes(id crdt.ID) bool {
	if m.begun && id.Compare(m.after) <= 0 || m.bounded && id.Compare(m.bound) > 0 {
		return false
	}
	return m.audit.Covers(id)
}

// add takes in an entry that is one for this walk.
func (m *marks) add(id crdt.ID, f crdt.Fingerprint) {
	s := m.audit.Symbol(f)
	m.met = append(m.met, mark{id, [2]uint32{uint32(s >> 32), uint32(s)}, m.nth})
	m.nth++
	if len(m.met) >= m.most+m.most/2 {
		m.shrink()
	}
}

// shrink sorts the marks, and leaves one of each ID and no more than may be.
func (m *marks) shrink() {
	slices.SortFunc(m.met, func(a, b mark) int {
		return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(b.nth, a.nth)) // the later one first
	})
	m.met = slices.CompactFunc(m.met, func(a, b mark) bool { return a.id == b.id })
	if len(m.met) > m.most {
		m.met = m.met[:m.most]
		m.bounded, m.bound = true, m.met[m.most-1].id
	}
}
