package sketch

// CellsOf returns the check of a symbol and its cells below m.
func CellsOf(symbol uint64, m int) (uint32, []uint64) {
	symbol = proper(symbol)
	var cells []uint64
	for w := start(symbol); w.index < uint64(m); w.next() {
		cells = append(cells, w.index)
	}
	return check(symbol), cells
}

// Inclusion returns the probability of a symbol to be in cell i.
func Inclusion(i int) float64 { return inclusion[i] }

// Mix is the finaliser of SplitMix64.
func Mix(z uint64) uint64 { return mix(z) }
