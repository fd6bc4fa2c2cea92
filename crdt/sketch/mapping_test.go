package sketch_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt/sketch"
)

func TestCellsOfASymbolAscendFromCell0(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, cells := sketch.CellsOf(rapid.Uint64().Draw(t, "symbol"), sketch.CellsMax)
		if cells[0] != 0 {
			t.Fatalf("begins with cell %d", cells[0])
		}
		for i := 1; i < len(cells); i++ {
			if cells[i] <= cells[i-1] {
				t.Fatalf("cell %d after %d", cells[i], cells[i-1])
			}
		}
	})
}

func TestSymbol0IsTakenFor1(t *testing.T) {
	zero, one := sketch.New(sketch.CellsMin), sketch.New(sketch.CellsMin)
	zero.Add(0)
	one.Add(1)
	if !slices.Equal(cellsOf(zero), cellsOf(one)) {
		t.Error("their cells differ")
	}
}

// The estimate stands on these probabilities: they are computed from the law of
// the gaps and must be those of the cells.
func TestCellsHaveTheirProbabilities(t *testing.T) {
	const n = 200_000
	rng := rand.New(rand.NewPCG(1, 2))
	var hits [sketch.CellsMin]float64
	for range n {
		_, cells := sketch.CellsOf(rng.Uint64(), sketch.CellsMin)
		for _, i := range cells {
			hits[i]++
		}
	}
	for i, k := range hits {
		p := sketch.Inclusion(i)
		if off := math.Abs(k/n - p); off > 4.5*math.Sqrt(p*(1-p)/n) {
			t.Errorf("cell %d: %.5f of symbols, want %.5f", i, k/n, p)
		}
	}
	if p := sketch.Inclusion(1); math.Abs(p-0.64) > 1e-12 {
		t.Errorf("cell 1: %.15f, want 0.64", p)
	}
}
