package sketch_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/citynode/citynode/crdt/sketch"
)

// vectors were made by a program in another language, from the package comment.
type vectors struct {
	Symbols []struct {
		Symbol, Check string // hex
		Cells         []uint64
	}
	Sets []struct {
		Size           int
		Prefix, Sample string // hex
	}
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Symbols) == 0 || len(v.Sets) == 0 {
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
		s := sketch.New(sketch.CellsMin)
		for i := range v.Size {
			s.Add(sketch.Mix(uint64(i) + 1))
		}
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
