package table

// listChunk is the number of elements in a chunk of a list.
const listChunk = 1 << 10

// A List is a dense list of positions. Like a slab it grows without moving what
// it holds, but its first chunk begins small: most places have few heroes.
type List struct {
	chunks [][]uint32 // all full but the last
	size   uint32
}

// Len returns the number of elements.
func (l *List) Len() uint32 { return l.size }

// At returns the element at position i.
func (l *List) At(i uint32) uint32 { return l.chunks[i/listChunk][i%listChunk] }

// Set replaces the element at position i.
func (l *List) Set(i, v uint32) { l.chunks[i/listChunk][i%listChunk] = v }

// Push adds v at the end and returns its position.
func (l *List) Push(v uint32) (at uint32) {
	at = l.size
	switch last := len(l.chunks) - 1; {
	case last < 0:
		l.chunks = append(l.chunks, []uint32{v})
	case len(l.chunks[last]) < listChunk:
		l.chunks[last] = append(l.chunks[last], v)
	default:
		l.chunks = append(l.chunks, append(make([]uint32, 0, listChunk), v))
	}
	l.size++
	return at
}

// pop drops the last element and returns it.
func (l *List) pop() (v uint32) {
	l.size--
	v = l.At(l.size)
	last := len(l.chunks) - 1
	l.chunks[last] = l.chunks[last][:l.size%listChunk]
	if last > 0 && l.size%listChunk == 0 {
		l.chunks[last] = nil
		l.chunks = l.chunks[:last]
	}
	return v
}

// Remove takes out the element at position i and puts the last one there. It
// returns the one that moved: the one removed, if that was the last.
func (l *List) Remove(i uint32) (moved uint32) {
	moved = l.pop()
	if i < l.size {
		l.Set(i, moved)
	}
	return moved
}
