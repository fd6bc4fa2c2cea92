package crdt

// slabChunk is the number of records in a chunk of a slab. Chunks of 1,024
// heroes or tombstones fill their pages of Go's allocator to the last byte.
const slabChunk = 1 << 10

// slab is a dense list that grows by whole chunks and never moves a record: a
// write that makes it grow costs no more than another, and a pointer from at
// holds until the record is dropped.
type slab[T any] struct {
	chunks []*[slabChunk]T
	size   uint32
}

func (s *slab[T]) at(i uint32) *T { return &s.chunks[i/slabChunk][i%slabChunk] }

// push adds a zero record at the end and returns its position.
func (s *slab[T]) push() (at uint32) {
	at = s.size
	if int(at/slabChunk) == len(s.chunks) {
		s.chunks = append(s.chunks, new([slabChunk]T))
	}
	s.size++
	return at
}

// pop drops the last record. One chunk more than needed is kept, so that to go
// back and forth over a border allocates nothing.
func (s *slab[T]) pop() {
	s.size--
	var zero T
	*s.at(s.size) = zero
	if spare := int(s.size/slabChunk) + 2; spare < len(s.chunks) {
		s.chunks[spare] = nil
		s.chunks = s.chunks[:spare]
	}
}
