package sketch_test

import (
	"math/rand/v2"
	"slices"

	"github.com/citynode/citynode/crdt/sketch"
)

// diverge adds that many symbols to each sketch and returns them, sorted.
func diverge(rng *rand.Rand, a, b *sketch.Sketch, mine, theirs int) (onlyA, onlyB []uint64) {
	return addRandom(rng, a, mine), addRandom(rng, b, theirs)
}

func addRandom(rng *rand.Rand, s *sketch.Sketch, n int) []uint64 {
	symbols := make([]uint64, n)
	for i := range symbols {
		symbols[i] = rng.Uint64()
		s.Add(symbols[i])
	}
	slices.Sort(symbols)
	return symbols
}
