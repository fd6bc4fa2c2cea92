package table

const (
	// slabChunk is the number of records in a chunk of a slab. Chunks of 1,024
	// heroes or tombstones fill their pages of Go's allocator to the last byte.
	slabChunk = 1 << 10
	// slabFirst is what the first chunk begins with, for small states. It
	// doubles until it is a chunk like the others.
	slabFirst = 1 << 3
)

// A Slab is a dense list that grows by whole chunks: a write that makes it grow
// moves no more than one chunk, however many there are.
type Slab[T any] struct {
	chunks [][]T
	size   uint32
}

// Len returns the number of records.
func (s *Slab[T]) Len() uint32 { return s.size }

// At returns a record, for as long as none is pushed or popped.
func (s *Slab[T]) At(i uint32) *T { return &s.chunks[i/slabChunk][i%slabChunk] }

// Push adds a zero record at the end and returns its position.
func (s *Slab[T]) Push() (at uint32) {
	at = s.size
	s.size++
	switch chunk := int(at / slabChunk); {
	case len(s.chunks) == 0:
		s.chunks = append(s.chunks, make([]T, slabFirst))
	case chunk == len(s.chunks):
		s.chunks = append(s.chunks, make([]T, slabChunk))
	case int(at%slabChunk) == len(s.chunks[chunk]):
		grown := make([]T, 2*at)
		copy(grown, s.chunks[chunk])
		s.chunks[chunk] = grown
	}
	return at
}

// Pop drops the last record. One chunk more than needed is kept, so that to go
// back and forth over a border allocates nothing.
func (s *Slab[T]) Pop() {
	s.size--
	var zero T
	*s.At(s.size) = zero
	if spare := int(s.size/slabChunk) + 2; spare < len(s.chunks) {
		s.chunks[spare] = nil
		s.chunks = s.chunks[:spare]
	}
}
