package crdt

import "github.com/citynode/citynode/crdt/sketch"

const (
	// cellsMax is the most cells that a state keeps of its sketch: 512 KiB,
	// which stay in a processor's cache beside what a write touches, and decode
	// a difference of some 20,000 entries. Where more differ a whole state is
	// sent.
	cellsMax = 32 << 10
	// cellsPerEntry is how many cells there are for each entry, at least, up to
	// cellsMax. Growing goes through all entries, and whoever looks may wait
	// for it, so it is done while they are few: the last time at no more than 2,048.
	cellsPerEntry = 16
	// cellsGrowth is by how much a sketch grows at once, so that all growing
	// together costs little more than the last step.
	cellsGrowth = 4
)

// Cells returns how many cells of its sketch the state keeps. It has more when
// it has grown.
func (s *State) Cells() int { return s.sketch.Cells() }

// AppendCells appends the first m cells of the state's sketch, or all that it
// keeps, which are at least [sketch.CellsMin].
func (s *State) AppendCells(dst []sketch.Cell, m int) []sketch.Cell {
	s.enterAll()
	return s.sketch.AppendCells(dst, min(m, s.Cells()))
}

// foldSketch folds changes into the sketch, and makes it as large as the state
// is worth.
func (s *State) foldSketch(changes []indexed) {
	k := s.sketch
	for i := range changes {
		switch x := &changes[i]; {
		case x.moved():
		case x.was == none:
			k.Add(x.in)
		default:
			k.Replace(x.out, x.in)
		}
	}
	if cells := k.Cells(); cells < cellsMax && cellsPerEntry*k.Len() > cells {
		for cells < cellsPerEntry*k.Len() {
			cells *= cellsGrowth
		}
		k.Grow(min(cells, cellsMax), s.Symbols())
	}
}
