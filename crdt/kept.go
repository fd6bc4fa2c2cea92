package crdt

import "github.com/citynode/citynode/crdt/sketch"

// keptCellsMax is the most cells that a state keeps of its sketch: 1 MiB, which
// decodes a difference of some 48,000 entries. Where more differ, whole states
// cost about as much to send.
const keptCellsMax = 64 << 10

// keptStep is by how much a sketch grows at once, so that all growing together
// costs little more than the last step.
const keptStep = 4

// kept is the sketch of the symbols of all entries. It has about as many cells
// as there are entries, up to keptCellsMax.
type kept struct{ sketch *sketch.Sketch }

func newKept() kept { return kept{sketch.New(sketch.CellsMin)} }

// AppendCells appends the first m cells of the state's sketch, or all that it
// keeps, which are at least [sketch.CellsMin].
func (s *State) AppendCells(dst []sketch.Cell, m int) []sketch.Cell {
	return s.kept.sketch.AppendCells(dst, min(m, s.kept.sketch.Cells()))
}

// growSketch keeps the sketch as large as the state is worth.
func (s *State) growSketch() {
	if cells := s.kept.sketch.Cells(); cells < keptCellsMax && s.kept.sketch.Len() > cells {
		s.kept.sketch.Grow(min(keptStep*cells, keptCellsMax), s.Symbols())
	}
}
