package sketch

import (
	"encoding/binary"
	"slices"
)

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

// appendCells appends the wire form of the cells.
func appendCells(dst []byte, cells []Cell) []byte {
	dst = slices.Grow(dst, len(cells)*CellBytes)
	for i := range cells {
		dst = binary.LittleEndian.AppendUint64(dst, cells[i].Sum)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(cells[i].Check))
		dst = append(dst, byte(cells[i].Count))
	}
	return dst
}

// appendCounts appends the count bytes of the cells.
func appendCounts(dst []byte, cells []Cell) []byte {
	dst = slices.Grow(dst, len(cells))
	for i := range cells {
		dst = append(dst, byte(cells[i].Count))
	}
	return dst
}
