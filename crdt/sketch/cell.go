package sketch

// CellBytes is the size of a cell on the wire.
const CellBytes = 8 + 2 + 1

// Cell is the sum of some symbols of a set, as a sketch keeps it.
type Cell struct {
	Sum   uint64 // of the symbols, modulo 2^64
	Check uint32 // the sum of their checks, modulo 2^32
	Count int32  // how many they are
}

// fold puts the symbol into those of its cells that are in cells[from:] if sign
// is 1, and takes it out of them if sign is −1.
func fold(cells []Cell, from uint64, symbol uint64, sign int32) {
	symbol = proper(symbol)
	w := start(symbol)
	for w.index < from {
		w.next()
	}
	sum, check := symbol*uint64(int64(sign)), check(symbol)*uint32(sign)
	for ; w.index < uint64(len(cells)); w.next() {
		c := &cells[w.index]
		c.Sum += sum
		c.Check += check
		c.Count += sign
	}
}
