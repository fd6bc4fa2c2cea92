package table

import "encoding/binary"

const (
	// arenaUnit is what places of texts are counted and rounded up in: enough
	// for a free place to say where the next one is.
	arenaUnit       = 4
	arenaChunkUnits = 4 << 10 // 16 KiB, a size class of Go's allocator
	arenaChunkBytes = arenaChunkUnits * arenaUnit

	// TextBytesMax is the longest text that an Arena takes, in bytes.
	TextBytesMax = 64
)

// An Arena holds texts outside of the garbage collector's sight. A place that is
// freed is used again by the next text of as many units; places are neither
// split nor joined, so that whatever texts come and go, the arena takes no more
// than the sum over the 16 sizes of the most that was ever in use of each.
//
// Positions of 32 bits address 16 GiB, more than 200 million of the longest
// texts.
type Arena struct {
	chunks []*[arenaChunkBytes]byte
	// fresh is the first unit that was never used.
	fresh uint32
	// free heads, for each size in units, a chain of free places; each is one
	// more than a position, and 0 ends the chain.
	free [TextBytesMax/arenaUnit + 1]uint32
}

// Bytes returns the text of size bytes at a position, for as long as it stays
// there.
func (a *Arena) Bytes(at uint32, size uint8) []byte {
	start := at % arenaChunkUnits * arenaUnit
	return a.chunks[at/arenaChunkUnits][start : start+uint32(size)]
}

// Put stores a text of 1 to TextBytesMax bytes and returns its position.
func (a *Arena) Put(text string) (at uint32) {
	units := arenaUnits(uint8(len(text)))
	if next := a.free[units]; next != 0 {
		at = next - 1
		a.free[units] = a.nextFree(at)
	} else {
		at = a.take(units)
	}
	copy(a.Bytes(at, uint8(len(text))), text)
	return at
}

// take returns a place that was never used. None reaches over the end of a
// chunk.
func (a *Arena) take(units uint32) (at uint32) {
	at = a.fresh
	if left := uint32(len(a.chunks))*arenaChunkUnits - at; left < units {
		at += left
		a.chunks = append(a.chunks, new([arenaChunkBytes]byte))
	}
	a.fresh = at + units
	return at
}

// Release frees the place of a text of size bytes.
func (a *Arena) Release(at uint32, size uint8) {
	units := arenaUnits(size)
	binary.LittleEndian.PutUint32(a.Bytes(at, arenaUnit), a.free[units])
	a.free[units] = at + 1
}

// nextFree returns what stands in a free place: the next of its chain.
func (a *Arena) nextFree(at uint32) uint32 {
	return binary.LittleEndian.Uint32(a.Bytes(at, arenaUnit))
}

func arenaUnits(size uint8) uint32 { return (uint32(size) + arenaUnit - 1) / arenaUnit }
