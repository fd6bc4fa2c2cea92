package crdt

import "encoding/binary"

const (
	// arenaUnit is what places of names are counted and rounded up in: enough
	// for a free place to say where the next one is.
	arenaUnit       = 4
	arenaChunkUnits = 4 << 10 // 16 KiB, a size class of Go's allocator
	arenaChunkBytes = arenaChunkUnits * arenaUnit
)

// arena holds names outside of the garbage collector's sight. A place that is
// freed is used again by the next name of as many units; places are neither
// split nor joined, so that whatever names come and go, the arena takes no more
// than the sum over the 16 sizes of the most that was ever in use of each.
//
// Positions of 32 bits address 16 GiB, more than 200 million of the longest
// names.
type arena struct {
	chunks []*[arenaChunkBytes]byte
	// fresh is the first unit that was never used.
	fresh uint32
	// free heads, for each size in units, a chain of free places; each is one
	// more than a position, and 0 ends the chain.
	free [NameBytesMax/arenaUnit + 1]uint32
}

// bytes returns the name of size bytes at a position, for as long as it stays
// there.
func (a *arena) bytes(at uint32, size uint8) []byte {
	start := at % arenaChunkUnits * arenaUnit
	return a.chunks[at/arenaChunkUnits][start : start+uint32(size)]
}

// put stores a name of 1 to NameBytesMax bytes and returns its position.
func (a *arena) put(name string) (at uint32) {
	units := arenaUnits(uint8(len(name)))
	if next := a.free[units]; next != 0 {
		at = next - 1
		a.free[units] = a.nextFree(at)
	} else {
		at = a.take(units)
	}
	copy(a.bytes(at, uint8(len(name))), name)
	return at
}

// take returns a place that was never used. None reaches over the end of a
// chunk.
func (a *arena) take(units uint32) (at uint32) {
	at = a.fresh
	if left := uint32(len(a.chunks))*arenaChunkUnits - at; left < units {
		at += left
		a.chunks = append(a.chunks, new([arenaChunkBytes]byte))
	}
	a.fresh = at + units
	return at
}

// release frees the place of a name of size bytes.
func (a *arena) release(at uint32, size uint8) {
	units := arenaUnits(size)
	binary.LittleEndian.PutUint32(a.bytes(at, arenaUnit), a.free[units])
	a.free[units] = at + 1
}

// nextFree returns what stands in a free place: the next of its chain.
func (a *arena) nextFree(at uint32) uint32 {
	return binary.LittleEndian.Uint32(a.bytes(at, arenaUnit))
}

func arenaUnits(size uint8) uint32 { return (uint32(size) + arenaUnit - 1) / arenaUnit }
