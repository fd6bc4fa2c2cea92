package sketch

import "iter"

const (
	// CellsMin is the least number of cells a sketch has: those of a sample.
	CellsMin = sampleCells
	// CellsMax is the greatest number of cells a sketch has, 16 bytes each. It
	// decodes a difference of 12 million; for a greater one a sketch is not the
	// means.
	CellsMax = 1 << 24
)

// Sketch is the first cells of a set, kept up to date on every write. It takes
// up to 2^31−1 symbols. It does not know them: a symbol that is added twice, or
// taken out without being in, makes its cells those of no set, which no decode
// will explain.
type Sketch struct{ cells []Cell }

// New returns the sketch of the empty set with that many cells, but no fewer
// than [CellsMin] and no more than [CellsMax]. With m cells it decodes a
// difference of up to about m/1.5.
func New(cells int) *Sketch {
	return &Sketch{make([]Cell, min(max(cells, CellsMin), CellsMax))}
}

// Cells returns how many cells the sketch keeps.
func (s *Sketch) Cells() int { return len(s.cells) }

// Len returns how many symbols are in.
func (s *Sketch) Len() int { return int(s.cells[0].Count) }

// Add puts a symbol in that is not in.
func (s *Sketch) Add(symbol uint64) { fold(s.cells, 0, symbol, 1) }

// Remove takes a symbol out that is in.
func (s *Sketch) Remove(symbol uint64) { fold(s.cells, 0, symbol, -1) }

// Replace takes the symbol of an entry's last version out and puts that of its
// new one in.
func (s *Sketch) Replace(last, next uint64) {
	s.Remove(last)
	s.Add(next)
}

// Grow extends the sketch to that many cells, but no more than [CellsMax], given
// all symbols that are in, in any order. It does nothing if the sketch has as
// many. It costs about as much as adding all symbols anew.
func (s *Sketch) Grow(cells int, symbols iter.Seq[uint64]) {
	had := len(s.cells)
	if cells = min(cells, CellsMax); cells <= had {
		return
	}
	grown := make([]Cell, cells)
	copy(grown, s.cells)
	s.cells = grown
	for symbol := range symbols {
		fold(s.cells, uint64(had), symbol, 1)
	}
}

// AppendCells appends a copy of the first m cells, 0 ≤ m ≤ Cells(), to be decoded
// against another sketch's prefix.
func (s *Sketch) AppendCells(dst []Cell, m int) []Cell { return append(dst, s.cells[:m]...) }

// AppendPrefix appends the wire form of the first m cells, 0 ≤ m ≤ Cells(), that
// is m·[CellBytes] bytes.
func (s *Sketch) AppendPrefix(dst []byte, m int) []byte { return AppendPrefix(dst, s.cells[:m]) }

// AppendSample appends the sketch's sample, [SampleBytes] bytes.
func (s *Sketch) AppendSample(dst []byte) []byte { return AppendSample(dst, s.cells) }
