package sketch_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt/sketch"
)

func TestEstimatesAreCloseToTheDifference(t *testing.T) {
	for _, tc := range []struct {
		d, runs int
		rms     float64 // the greatest allowed root of the mean square of errors
	}{
		{20, 200, 0.18},
		{100, 200, 0.11},
		{1_000, 100, 0.11},
		{10_000, 40, 0.11},
		{100_000, 20, 0.13},
		{400_000, 3, 0.3},
		{1_000_000, 1, 0.4},
	} {
		for _, share := range []float64{0.5, 0.75, 1} {
			rng := rand.New(rand.NewPCG(2, uint64(tc.d)))
			var squares float64
			for range tc.runs {
				mine, theirs := sketch.New(sketch.CellsMin), sketch.New(sketch.CellsMin)
				n := int(share * float64(tc.d))
				addRandom(rng, mine, n)
				addRandom(rng, theirs, tc.d-n)
				off := float64(estimated(t, mine, theirs))/float64(tc.d) - 1
				squares += off * off
			}
			rms := math.Sqrt(squares / float64(tc.runs))
			t.Logf("d = %d, %.0f %% of it mine: off by %.1f %%", tc.d, 100*share, 100*rms)
			if rms > tc.rms {
				t.Errorf("d = %d, %.0f %% of it mine: off by %.1f %%, want at most %.1f %%", tc.d, 100*share, 100*rms, 100*tc.rms)
			}
		}
	}
}

func TestEqualSetsAreEstimatedEqual(t *testing.T) {
	s := built(sketch.CellsMin, 1, 2, 3)
	if d, err := sketch.Estimate(cellsOf(s), s.AppendSample(nil), 3); d != 0 || err != nil {
		t.Errorf("%d, %v", d, err)
	}
}

func TestEmptySetsAreEstimatedEqualWhateverTheSampleSays(t *testing.T) {
	sample := bytes.Repeat([]byte{100}, sketch.SampleBytes)
	sample[sketch.CellBytes-1] = 0 // the count of cell 0
	if d, err := sketch.Estimate(make([]sketch.Cell, sketch.CellsMin), sample, 0); d != 0 || err != nil {
		t.Errorf("%d, %v", d, err)
	}
}

// The other's count goes by another way than its sample, and may be of another
// instant.
func TestEstimatesForgiveACountOfAnotherInstant(t *testing.T) {
	mine, theirs := sketch.New(sketch.CellsMin), sketch.New(sketch.CellsMin)
	diverge(rand.New(rand.NewPCG(7, 7)), mine, theirs, 3_000, 5_000)
	own, sample := cellsOf(mine), theirs.AppendSample(nil)
	want, _ := sketch.Estimate(own, sample, 5_000)
	for _, said := range []int{5_127, 4_873} {
		if d, err := sketch.Estimate(own, sample, said); d != want || err != nil {
			t.Errorf("%d symbols said: %d, %v, want %d", said, d, err, want)
		}
	}
}

func TestEstimatesStayBetweenTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own := cellsOf(built(sketch.CellsMin, sets.Draw(t, "set")...))
		sample := rapid.SliceOfN(rapid.Byte(), sketch.SampleBytes, sketch.SampleBytes).Draw(t, "sample")
		said := rapid.OneOf(rapid.Int(), rapid.IntRange(0, 1000)).Draw(t, "said")
		d, err := sketch.Estimate(own, sample, said)
		claim, here := int64(min(max(said, 0), math.MaxInt32)), int64(own[0].Count)
		if err != nil || int64(d) < claim-here-128 || int64(d) > here+claim+256 {
			t.Fatalf("%d, %v for %d here and %d there", d, err, own[0].Count, said)
		}
	})
}

func TestSamplesOfAnotherLengthAreRefused(t *testing.T) {
	s := sketch.New(sketch.CellsMin)
	for _, n := range []int{0, sketch.SampleBytes - 1, sketch.SampleBytes + 1} {
		if _, err := sketch.Estimate(cellsOf(s), make([]byte, n), 0); !errors.Is(err, sketch.ErrPoisoned) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
