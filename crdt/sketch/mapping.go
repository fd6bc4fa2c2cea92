package sketch

import (
	"math"
	"math/bits"
)

const (
	weyl      = 0x9E3779B97F4A7C15 // the step of SplitMix64's counter
	checkSalt = 0x6A09E667F3BCC908 // the fraction of √2: nothing up the sleeve
)

// walk goes through the cells of one symbol, in ascending order.
type walk struct {
	index uint64 // of the cell it is at
	state uint64
}

// start returns the walk of a symbol, at cell 0.
func start(symbol uint64) walk { return walk{state: symbol} }

// next goes to the symbol's next cell. The step does not depend on floating
// point, and all of it but the last multiplication does not depend on where the
// walk is, so that a processor works on several steps at a time. Nothing wraps
// while index < 2^31, but for the difference where w is 2^32, in one step of 2^31:
// that leads beyond all cells, and is part of the definition.
func (w *walk) next() {
	w.state += weyl
	r := mix(w.state)
	hi, lo := bits.Mul64(2*w.index+3, math.MaxUint64/(max(r>>32, r&math.MaxUint32)+1)-1<<32)
	w.index += 1 + (hi<<31 | lo>>33)
}

// check returns the check of a symbol, independent of its cells.
func check(symbol uint64) uint32 { return uint32(mix(symbol ^ checkSalt)) }

// mix is the finaliser of SplitMix64, a bijection.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// proper maps symbol 0, whose sums would not show, to 1.
func proper(symbol uint64) uint64 { return max(symbol, 1) }
