package sketch

import (
	"encoding/binary"
	"slices"
)

// AppendPrefix appends the wire form of the cells, [CellBytes] bytes each.
func AppendPrefix(dst []byte, cells []Cell) []byte {
	dst = slices.Grow(dst, len(cells)*CellBytes)
	for i := range cells {
		dst = binary.LittleEndian.AppendUint64(dst, cells[i].Sum)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(cells[i].Check))
		dst = append(dst, byte(cells[i].Count))
	}
	return dst
}

// AppendSample appends what [Estimate] wants of another sketch, [SampleBytes]
// bytes that begin with the prefix of [SamplePrefix] cells: the count bytes of
// the others follow. There must be [CellsMin] cells or more.
func AppendSample(dst []byte, cells []Cell) []byte {
	dst = AppendPrefix(dst, cells[:SamplePrefix])
	for i := SamplePrefix; i < sampleCells; i++ {
		dst = append(dst, byte(cells[i].Count))
	}
	return dst
}

// SampleOf returns the sample that is in a prefix of [CellsMin] cells or more.
func SampleOf(prefix []byte) []byte {
	sample := append(make([]byte, 0, SampleBytes), prefix[:SamplePrefix*CellBytes]...)
	for i := SamplePrefix; i < sampleCells; i++ {
		sample = append(sample, prefix[(i+1)*CellBytes-1])
	}
	return sample
}
