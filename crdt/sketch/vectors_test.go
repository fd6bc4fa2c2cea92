package sketch_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/citynode/citynode/crdt/sketch"
)

// vectors were made by a program in another language, from docs/wire/sketch.md,
// which says what they mean.
type vectors struct {
	Symbols []struct {
		Symbol, Check string // hex
		Cells         []uint64
	}
	Sets []struct {
		Size           int
		Prefix, Sample string // hex
	}
	Differences []struct {
		Own, Other   span
		Cells        int
		Prefix       string   // hex
		Mine, Theirs []string // hex
		Incomplete   bool
	}
	Estimates []struct {
		Own, Other    span
		Estimate, Ask int
	}
}

// A span is the set of the symbols mix(first) to mix(last).
type span [2]uint64

func (s span) size() int { return int(s[1] + 1 - s[0]) }

func (s span) sketch(cells int) *sketch.Sketch {
	set := sketch.New(cells)
	for i := s[0]; i <= s[1]; i++ {
		set.Add(sketch.Mix(i))
	}
	return set
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("../../docs/wire/sketch-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Symbols) == 0 || len(v.Sets) == 0 || len(v.Differences) == 0 || len(v.Estimates) == 0 {
		t.Fatal("no vectors")
	}
	return v
}

func TestSymbolsAreInTheCellsOfTheVectors(t *testing.T) {
	for _, v := range readVectors(t).Symbols {
		symbol, err := strconv.ParseUint(v.Symbol, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		check, cells := sketch.CellsOf(symbol, sketch.CellsMax)
		if want, err := strconv.ParseUint(v.Check, 16, 32); err != nil || check != uint32(want) {
			t.Errorf("symbol %s: check %08x, want %s", v.Symbol, check, v.Check)
		}
		if !slices.Equal(cells, v.Cells) {
			t.Errorf("symbol %s: cells %v, want %v", v.Symbol, cells, v.Cells)
		}
	}
}

func TestSetsHaveTheBytesOfTheVectors(t *testing.T) {
	for _, v := range readVectors(t).Sets {
		s := span{1, uint64(v.Size)}.sketch(sketch.CellsMin)
		m := len(v.Prefix) / 2 / sketch.CellBytes
		if got := hex.EncodeToString(s.AppendPrefix(nil, m)); got != v.Prefix {
			t.Errorf("prefix of %d symbols: %s, want %s", v.Size, got, v.Prefix)
		}
		sample := s.AppendSample(nil)
		if got := hex.EncodeToString(sample); got != v.Sample || len(sample) != sketch.SampleBytes {
			t.Errorf("sample of %d symbols: %s, want %s", v.Size, got, v.Sample)
		}
	}
}

func TestPrefixesDecodeToTheDifferencesOfTheVectors(t *testing.T) {
	for _, v := range readVectors(t).Differences {
		prefix, err := hex.DecodeString(v.Prefix)
		if err != nil {
			t.Fatal(err)
		}
		own := v.Own.sketch(v.Cells).AppendCells(nil, v.Cells)
		mine, theirs, err := sketch.Decode(own, prefix)
		if errors.Is(err, sketch.ErrIncomplete) != v.Incomplete || err != nil && !v.Incomplete {
			t.Errorf("%v and %v: %v", v.Own, v.Other, err)
		}
		if !slices.Equal(inHex(mine), v.Mine) || !slices.Equal(inHex(theirs), v.Theirs) {
			t.Errorf("%v and %v: %x and %x, want %v and %v", v.Own, v.Other, mine, theirs, v.Mine, v.Theirs)
		}
	}
}

func inHex(symbols []uint64) (texts []string) {
	for _, s := range symbols {
		texts = append(texts, fmt.Sprintf("%016x", s))
	}
	return texts
}

func TestEstimatesAreThoseOfTheVectors(t *testing.T) {
	near := func(got, want int) bool { return math.Abs(float64(got-want)) <= float64(want)/1000 }
	for _, v := range readVectors(t).Estimates {
		own, other := v.Own.sketch(sketch.CellsMin), v.Other.sketch(sketch.CellsMin)
		d, err := sketch.Estimate(cellsOf(own), other.AppendSample(nil), v.Other.size())
		if err != nil || !near(d, v.Estimate) {
			t.Errorf("%v and %v: %d, %v, want %d", v.Own, v.Other, d, err, v.Estimate)
		}
		if ask := max(sketch.PrefixFor(v.Estimate), 2*sketch.SamplePrefix); ask != v.Ask {
			t.Errorf("estimate %d: ask for %d cells, want %d", v.Estimate, ask, v.Ask)
		}
	}
}
