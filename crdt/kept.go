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
	// unfoldedMax is how many writes wait to be folded into the sketch. Folded
	// together they find its cells in the cache: it takes a quarter of a
	// millisecond.
	unfoldedMax = 1024
)

// kept is the sketch of the symbols of all entries. It has some cells for
// each entry, up to keptCellsMax. What was written last is folded in when somebody
// looks.
type kept struct {
	sketch  *sketch.Sketch
	out, in []uint64 // symbols to be taken out and put in
}

func newKept() kept { return kept{sketch: sketch.New(sketch.CellsMin)} }

// AppendCells appends the first m cells of the state's sketch, or all that it
// keeps, which are at least [sketch.CellsMin].
func (s *State) AppendCells(dst []sketch.Cell, m int) []sketch.Cell {
	s.foldSketch()
	return s.kept.sketch.AppendCells(dst, min(m, s.kept.sketch.Cells()))
}

// sketchOut has a symbol taken out of the sketch.
func (s *State) sketchOut(symbol uint64) { s.kept.out = append(s.kept.out, symbol) }

// sketchIn has a symbol put into the sketch. It ends a write.
func (s *State) sketchIn(symbol uint64) {
	if s.kept.in = append(s.kept.in, symbol); len(s.kept.in) >= unfoldedMax {
		s.foldSketch()
	}
}

// foldSketch brings the sketch up to date, and makes it as large as the state is
// worth.
func (s *State) foldSketch() {
	k := &s.kept
	for _, symbol := range k.out {
		k.sketch.Remove(symbol)
	}
	for _, symbol := range k.in {
		k.sketch.Add(symbol)
	}
	k.out, k.in = k.out[:0], k.in[:0]
	if cells := k.sketch.Cells(); cells < keptCellsMax && keptSpare*k.sketch.Len() > cells {
		for cells < keptSpare*k.sketch.Len() {
			cells *= keptStep
		}
		k.sketch.Grow(min(cells, keptCellsMax), s.Symbols())
	}
}
