package sketch_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt/sketch"
)

// diverge adds that many random symbols to each sketch and returns them, sorted.
func diverge(rng *rand.Rand, a, b *sketch.Sketch, mine, theirs int) (onlyA, onlyB []uint64) {
	onlyA, onlyB = addRandom(rng, a, mine), addRandom(rng, b, theirs)
	slices.Sort(onlyA)
	slices.Sort(onlyB)
	return onlyA, onlyB
}

func addRandom(rng *rand.Rand, s *sketch.Sketch, n int) []uint64 {
	symbols := make([]uint64, n)
	for i := range symbols {
		symbols[i] = rng.Uint64()
		s.Add(symbols[i])
	}
	return symbols
}

func cellsOf(s *sketch.Sketch) []sketch.Cell { return s.AppendCells(nil, s.Cells()) }

// built returns the sketch of the symbols.
func built(cells int, symbols ...uint64) *sketch.Sketch {
	s := sketch.New(cells)
	for _, symbol := range symbols {
		s.Add(symbol)
	}
	return s
}

var (
	sets  = rapid.SliceOfNDistinct(rapid.Uint64Min(1), 0, 60, rapid.ID[uint64])
	sizes = rapid.IntRange(sketch.CellsMin, 2*sketch.CellsMin)
)

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, m := sets.Draw(t, "set"), sizes.Draw(t, "cells")
		shuffled := rapid.Permutation(set).Draw(t, "shuffled")
		if !slices.Equal(cellsOf(built(m, set...)), cellsOf(built(m, shuffled...))) {
			t.Fatal("cells depend on the order")
		}
	})
}

func TestRemoveUndoesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, extra := sets.Draw(t, "set"), sets.Draw(t, "extra")
		s := built(sketch.CellsMin, set...)
		before := cellsOf(s)
		for _, symbol := range extra {
			s.Add(symbol)
		}
		for _, symbol := range rapid.Permutation(extra).Draw(t, "order") {
			s.Remove(symbol)
		}
		if !slices.Equal(cellsOf(s), before) || s.Len() != len(set) {
			t.Fatal("something is left")
		}
	})
}

func TestCellsOfDisjointSetsAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := sets.Draw(t, "a"), sets.Draw(t, "b")
		both := cellsOf(built(sketch.CellsMin, slices.Concat(a, b)...))
		of := cellsOf(built(sketch.CellsMin, a...))
		for i, c := range cellsOf(built(sketch.CellsMin, b...)) {
			sum := sketch.Cell{Sum: of[i].Sum + c.Sum, Check: of[i].Check + c.Check, Count: of[i].Count + c.Count}
			if both[i] != sum {
				t.Fatalf("cell %d: %+v, want %+v", i, both[i], sum)
			}
		}
	})
}

func TestReplaceIsRemoveAndAdd(t *testing.T) {
	s := built(sketch.CellsMin, 1, 2, 3)
	s.Replace(2, 4)
	if !slices.Equal(cellsOf(s), cellsOf(built(sketch.CellsMin, 1, 3, 4))) {
		t.Error("not the set with 2 replaced by 4")
	}
}

func TestGrownIsBuiltAtThatSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, m := sets.Draw(t, "set"), sizes.Draw(t, "cells")
		s := built(sketch.CellsMin, set...)
		s.Grow(m, slices.Values(set))
		if s.Cells() != m || !slices.Equal(cellsOf(s), cellsOf(built(m, set...))) {
			t.Fatalf("grown to %d of %d cells", s.Cells(), m)
		}
		s.Grow(m-1, slices.Values(set))
		if s.Cells() != m {
			t.Fatalf("shrunk to %d cells", s.Cells())
		}
	})
}

// Of so many symbols each of the new cells holds some.
func TestEveryCellOfAGrownSketchIsFilled(t *testing.T) {
	symbols := make([]uint64, 5000)
	for i := range symbols {
		symbols[i] = uint64(i + 1)
	}
	grown := built(sketch.CellsMin, symbols...)
	grown.Grow(2*sketch.CellsMin, slices.Values(symbols))
	if !slices.Equal(cellsOf(grown), cellsOf(built(2*sketch.CellsMin, symbols...))) {
		t.Error("a sketch that has grown is not the one built at that size")
	}
}

func TestCellsAreBounded(t *testing.T) {
	for _, tc := range []struct{ asked, want int }{
		{-1, sketch.CellsMin},
		{0, sketch.CellsMin},
		{sketch.CellsMin + 1, sketch.CellsMin + 1},
	} {
		if got := sketch.New(tc.asked).Cells(); got != tc.want {
			t.Errorf("New(%d) has %d cells, want %d", tc.asked, got, tc.want)
		}
	}
}

func TestCellsThatWereHandedOutDoNotChange(t *testing.T) {
	s := built(sketch.CellsMin, 5)
	handed := cellsOf(s)
	was := slices.Clone(handed)
	if s.Add(7); !slices.Equal(handed, was) {
		t.Error("a later write shows in cells that were handed out")
	}
}

func TestPrefixesAgree(t *testing.T) {
	s := sketch.New(1000)
	addRandom(rand.New(rand.NewPCG(1, 1)), s, 500) // counts wrap
	whole := s.AppendPrefix([]byte("x"), 1000)
	if short := s.AppendPrefix([]byte("x"), 300); !slices.Equal(short, whole[:1+300*sketch.CellBytes]) {
		t.Error("a short prefix is not one of a long one")
	}
	if !slices.Equal(s.AppendSample(nil), sketch.SampleOf(whole[1:])) {
		t.Error("a prefix has not its sketch's sample in it")
	}
}

func TestWritesAllocateNothing(t *testing.T) {
	s, symbol := sketch.New(1<<12), uint64(1)
	if n := testing.AllocsPerRun(100, func() {
		s.Add(symbol)
		s.Replace(symbol, symbol+1)
		s.Remove(symbol + 1)
		symbol += 2
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
