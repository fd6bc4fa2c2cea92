package crdt

import "github.com/citynode/citynode/crdt/sketch"

const (
	// keptCellsMax is the most cells that a state keeps of its sketch: 512 KiB,
	// which stay in a processor's cache beside what a write touches, and decode
	// a difference of some 20,000 entries. Where more differ a whole state is
	// sent.
	keptCellsMax = 32 << 10
	// keptSpare is how many cells there are for each entry, at least, up to
	// keptCellsMax. Growing goes through all entries, and whoever looks may wait
	// for it, so it is done while they are few: the last time at no more than 2,048.
	keptSpare = 16
	// keptStep is by how much a sketch grows at once, so that all growing
	// together costs little more than the last step.
	keptStep = 4
)

// kept is the sketch of the symbols of all entries. It has some cells for
// each entry, up to keptCellsMax.
type kept struct{ sketch *sketch.Sketch }

func newKept() kept { return kept{sketch: sketch.New(sketch.CellsMin)} }

// Cells returns how many cells of its sketch the state keeps. It has more when
// it has grown.
func (s *State) Cells() int { return s.kept.sketch.Cells() }

// AppendCells appends the first m cells of the state's sketch, or all that it
// keeps, which are at least [sketch.CellsMin].
func (s *State) AppendCells(dst []sketch.Cell, m int) []sketch.Cell {
	s.enterAll()
	return s.kept.sketch.AppendCells(dst, min(m, s.Cells()))
}

// foldSketch folds changes into the sketch, and makes it as large as the state
// is worth.
func (s *State) foldSketch(changes []indexed) {
	k := &s.kept
	for i := range changes {
		switch x := &changes[i]; {
		case x.moved():
		case x.was == none:
			k.sketch.Add(x.in)
		default:
			k.sketch.Replace(x.out, x.in)
		}
	}
	if cells := k.sketch.Cells(); cells < keptCellsMax && keptSpare*k.sketch.Len() > cells {
		for cells < keptSpare*k.sketch.Len() {
			cells *= keptStep
		}
		k.sketch.Grow(min(cells, keptCellsMax), s.Symbols())
	}
}
