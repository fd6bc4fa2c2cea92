package sketch_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/citynode/citynode/crdt/sketch"
)

// common is how many symbols the sets of these tests are said to share. A sketch
// need not hold them: they cancel out. A multiple of 256, it does not show in the
// other's count bytes.
const common = 1 << 24

// estimated returns the estimate of the difference of two sets.
func estimated(t *testing.T, mine, theirs *sketch.Sketch) int {
	t.Helper()
	own := mine.AppendCells(nil, sketch.CellsMin)
	own[0].Count += common
	d, err := sketch.Estimate(own, theirs.AppendSample(nil), theirs.Len()+common)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheRecommendedPrefixDecodes(t *testing.T) {
	for _, tc := range []struct{ mine, theirs, runs int }{
		{1, 0, 400},
		{1, 1, 400},
		{5, 5, 400},
		{20, 0, 400},
		{15, 15, 400},
		{50, 50, 400},
		{0, 300, 400},
		{700, 300, 200},
		{1_500, 1_500, 100},
		{5_000, 5_000, 40},
	} {
		rng := rand.New(rand.NewPCG(uint64(tc.mine), uint64(tc.theirs)))
		failed, failedTwice := 0, 0
		for range tc.runs {
			cells := 3*(tc.mine+tc.theirs) + sketch.CellsMin
			mine, theirs := sketch.New(cells), sketch.New(cells)
			onlyMine, onlyTheirs := diverge(rng, mine, theirs, tc.mine, tc.theirs)
			decodes := func(m int) bool {
				a, b, err := sketch.Decode(mine.AppendCells(nil, m), theirs.AppendPrefix(nil, m))
				if err == nil && !(slices.Equal(a, onlyMine) && slices.Equal(b, onlyTheirs)) {
					t.Fatalf("%+v: decoded to something else", tc)
				}
				if err != nil && !errors.Is(err, sketch.ErrIncomplete) {
					t.Fatalf("%+v: %v", tc, err)
				}
				return err == nil
			}
			if m := sketch.PrefixFor(estimated(t, mine, theirs)); !decodes(m) {
				failed++
				if !decodes(sketch.Next(m)) {
					failedTwice++
				}
			}
		}
		if failed*100 > tc.runs*3 || failedTwice*100 > tc.runs {
			t.Errorf("%+v: failed %d times, then again %d times", tc, failed, failedTwice)
		}
	}
}

func TestPrefixesGrow(t *testing.T) {
	for _, tc := range []struct{ d, want int }{
		{-1, 12},
		{0, 12},
		{1, 17},
		{100, 200},
		{10_000, 16_572},
	} {
		if got := sketch.PrefixFor(tc.d); got != tc.want {
			t.Errorf("PrefixFor(%d) = %d, want %d", tc.d, got, tc.want)
		}
	}
	for _, tc := range []struct{ m, want int }{{-1, 0}, {0, 1}, {1, 2}, {300, 401}} {
		if got := sketch.Next(tc.m); got != tc.want {
			t.Errorf("Next(%d) = %d, want %d", tc.m, got, tc.want)
		}
	}
}
