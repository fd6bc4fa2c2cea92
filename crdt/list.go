package crdt

// listChunk is the number of elements in a chunk of a list.
const listChunk = 1 << 10

// list is a dense list of positions. Like a slab it grows without moving what
// it holds, but its first chunk begins small: most places have few heroes.
type list struct {
	chunks [][]uint32 // all full but the last
	size   uint32
}

func (l *list) at(i uint32) uint32 { return l.chunks[i/listChunk][i%listChunk] }

func (l *list) set(i, v uint32) { l.chunks[i/listChunk][i%listChunk] = v }

// push adds v at the end and returns its position.
func (l *list) push(v uint32) (at uint32) {
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
func (l *list) pop() (v uint32) {
	l.size--
	v = l.at(l.size)
	last := len(l.chunks) - 1
	l.chunks[last] = l.chunks[last][:l.size%listChunk]
	if last > 0 && l.size%listChunk == 0 {
		l.chunks[last] = nil
		l.chunks = l.chunks[:last]
	}
	return v
}

// remove takes out the element at position i and puts the last one there. It
// returns the one that moved: the one removed, if that was the last.
func (l *list) remove(i uint32) (moved uint32) {
	moved = l.pop()
	if i < l.size {
		l.set(i, moved)
	}
	return moved
}
