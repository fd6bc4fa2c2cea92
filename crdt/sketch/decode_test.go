package sketch_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt/sketch"
)

func TestTheDifferenceDecodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := sets.Draw(t, "all")
		i := rapid.IntRange(0, len(all)).Draw(t, "onlyMine")
		j := rapid.IntRange(i, len(all)).Draw(t, "onlyTheirs")
		mine := built(sketch.CellsMin, slices.Concat(all[:i], all[j:])...)
		theirs := built(sketch.CellsMin, all[i:]...)
		a, b, err := sketch.Decode(cellsOf(mine), theirs.AppendPrefix(nil, sketch.CellsMin))
		if err != nil || !slices.Equal(a, sorted(all[:i])) || !slices.Equal(b, sorted(all[i:j])) {
			t.Fatalf("%x, %x, %v, want %x, %x", a, b, err, all[:i], all[i:j])
		}
	})
}

func sorted(symbols []uint64) []uint64 { return slices.Sorted(slices.Values(symbols)) }

func TestTooFewCellsAreIncomplete(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	mine, theirs := sketch.New(1000), sketch.New(1000)
	diverge(rng, mine, theirs, 500, 500)
	for _, m := range []int{0, 1, 2, 32, 100, 900} {
		a, b, err := sketch.Decode(mine.AppendCells(nil, m), theirs.AppendPrefix(nil, m))
		if !errors.Is(err, sketch.ErrIncomplete) || a != nil || b != nil {
			t.Errorf("%d cells: %d and %d symbols, %v", m, len(a), len(b), err)
		}
	}
}

func TestDecodeLeavesOwnCellsAlone(t *testing.T) {
	mine, theirs := built(sketch.CellsMin, 1, 2), built(sketch.CellsMin, 2, 3)
	own := cellsOf(mine)
	if _, _, err := sketch.Decode(own, theirs.AppendPrefix(nil, sketch.CellsMin)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(own, cellsOf(mine)) {
		t.Error("changed")
	}
}

func TestPrefixesOfAnotherLengthArePoisoned(t *testing.T) {
	s := built(sketch.CellsMin, 1, 2, 3)
	whole := s.AppendPrefix(nil, sketch.CellsMin)
	for _, other := range [][]byte{nil, whole[1:], whole[:sketch.CellBytes], append(whole, 0)} {
		if _, _, err := sketch.Decode(cellsOf(s), other); !errors.Is(err, sketch.ErrPoisoned) {
			t.Errorf("%d bytes: %v", len(other), err)
		}
	}
}

func TestRandomBytesAreIncomplete(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{1})
	other := make([]byte, 1<<14*sketch.CellBytes)
	for range 20 {
		rng.Read(other)
		if _, _, err := sketch.Decode(make([]sketch.Cell, 1<<14), other); !errors.Is(err, sketch.ErrIncomplete) {
			t.Error(err)
		}
	}
}

// lonely returns the cells of n symbols, each of them in one of its cells alone.
// Taken out there it appears, negative, in its others, and taken out of those it
// appears where it was, for ever.
func lonely(cells, n int) []sketch.Cell {
	crafted := make([]sketch.Cell, cells)
	for symbol := uint64(1); n > 0; symbol++ {
		check, in := sketch.CellsOf(symbol, cells)
		if c := &crafted[in[len(in)-1]]; c.Count == 0 {
			*c = sketch.Cell{Sum: symbol, Check: check, Count: 1}
			n--
		}
	}
	return crafted
}

func TestEndlessStreamsEnd(t *testing.T) {
	const cells = 201
	for n, want := range map[int]error{1: sketch.ErrIncomplete, 20: sketch.ErrPoisoned} {
		none := make([]byte, cells*sketch.CellBytes)
		if _, _, err := sketch.Decode(lonely(cells, n), none); !errors.Is(err, want) {
			t.Errorf("%d symbols: %v, want %v", n, err, want)
		}
	}
}

func TestASymbolThatComesOutTwiceIsPoison(t *testing.T) {
	const symbol = 12345
	s := built(sketch.CellsMin, symbol, symbol)
	crafted := cellsOf(s)
	check, in := sketch.CellsOf(symbol, sketch.CellsMin)
	crafted[in[2]] = sketch.Cell{Sum: symbol, Check: check, Count: 1}
	if _, _, err := sketch.Decode(crafted, make([]byte, sketch.CellsMin*sketch.CellBytes)); !errors.Is(err, sketch.ErrPoisoned) {
		t.Errorf("among one's own: %v", err)
	}
	theirs := sketch.AppendPrefix(nil, crafted)
	if _, _, err := sketch.Decode(make([]sketch.Cell, sketch.CellsMin), theirs); !errors.Is(err, sketch.ErrPoisoned) {
		t.Errorf("among the other's: %v", err)
	}
}

func TestASetWithASymbolTwiceDoesNotDecode(t *testing.T) {
	mine, theirs := built(sketch.CellsMin, 5), built(sketch.CellsMin, 7, 8, 8)
	if a, b, err := sketch.Decode(cellsOf(mine), theirs.AppendPrefix(nil, sketch.CellsMin)); err == nil {
		t.Errorf("decoded to %d, %d", a, b)
	}
}

// A lone symbol must be in a cell of its own: the check alone is 16 bits.
func TestASymbolInAForeignCellDoesNotDecode(t *testing.T) {
	const symbol = 12345
	check, in := sketch.CellsOf(symbol, sketch.CellsMin)
	for i := range sketch.CellsMin {
		crafted := make([]sketch.Cell, sketch.CellsMin)
		crafted[i] = sketch.Cell{Sum: symbol, Check: check, Count: 1}
		a, b, err := sketch.Decode(crafted, make([]byte, sketch.CellsMin*sketch.CellBytes))
		if err == nil {
			t.Errorf("cell %d: decoded to %d, %d; it is in %d", i, a, b, in)
		}
	}
}

// Two versions of one set mixed in one prefix must not pass for a third. Only if
// they agree in one of the parts is the prefix one of a version, and decodes.
func TestMixedVersionsDoNotPass(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	clean := 0
	for range 2000 {
		mine, theirs := sketch.New(sketch.CellsMin), sketch.New(sketch.CellsMin)
		onlyMine, onlyTheirs := diverge(rng, mine, theirs, 3, 3)
		m := sketch.PrefixFor(8)
		cut := rng.IntN(m) * sketch.CellBytes
		before := theirs.AppendPrefix(nil, m)
		last, next := onlyTheirs[0], rng.Uint64()
		theirs.Replace(last, next)
		after := theirs.AppendPrefix(nil, m)
		a, b, err := sketch.Decode(mine.AppendCells(nil, m), append(before[:cut:cut], after[cut:]...))
		if err != nil {
			continue
		}
		clean++
		replaced := sorted(append(slices.Clone(onlyTheirs[1:]), next))
		if !slices.Equal(a, onlyMine) || !slices.Equal(b, onlyTheirs) && !slices.Equal(b, replaced) {
			t.Errorf("cut at cell %d: decoded to neither version", cut/sketch.CellBytes)
		}
	}
	if clean == 0 || clean > 1000 {
		t.Errorf("%d of 2000 decoded", clean)
	}
}

func FuzzDecode(f *testing.F) {
	mine, theirs := built(sketch.CellsMin, 1, 2, 3), built(sketch.CellsMin, 2, 3, 4, 5)
	f.Add(mine.AppendPrefix(nil, 12), theirs.AppendPrefix(nil, 12))
	f.Fuzz(func(t *testing.T, own, other []byte) {
		cells := fromWire(own)
		a, b, err := sketch.Decode(cells, other)
		switch {
		case err == nil:
			mustExplain(t, cells, other, a, b)
		case !errors.Is(err, sketch.ErrIncomplete) && !errors.Is(err, sketch.ErrPoisoned):
			t.Fatal(err)
		case a != nil || b != nil:
			t.Fatalf("%d and %d symbols with %v", len(a), len(b), err)
		}
	})
}

// fromWire reads cells as the wire has them: what own cells hold beyond that is
// not for the decoder.
func fromWire(b []byte) (cells []sketch.Cell) {
	for ; len(b) >= sketch.CellBytes; b = b[sketch.CellBytes:] {
		cells = append(cells, sketch.Cell{
			Sum:   binary.LittleEndian.Uint64(b),
			Check: uint32(binary.LittleEndian.Uint16(b[8:])),
			Count: int32(b[10]),
		})
	}
	return cells
}

// mustExplain fails the test unless own cells less mine and with theirs are the
// other's.
func mustExplain(t *testing.T, own []sketch.Cell, other []byte, mine, theirs []uint64) {
	t.Helper()
	distinct := slices.Concat(mine, theirs)
	slices.Sort(distinct)
	if len(slices.Compact(distinct)) != len(mine)+len(theirs) || len(distinct) > len(own) {
		t.Fatalf("%x and %x from %d cells", mine, theirs, len(own))
	}
	s := sketch.New(len(own))
	for _, symbol := range mine {
		s.Remove(symbol)
	}
	for _, symbol := range theirs {
		s.Add(symbol)
	}
	for i, c := range s.AppendCells(nil, len(own)) {
		c.Sum += own[i].Sum
		c.Check += own[i].Check
		c.Count += own[i].Count
		want := fromWire(other[i*sketch.CellBytes:][:sketch.CellBytes])[0]
		if c.Sum != want.Sum || uint16(c.Check) != uint16(want.Check) || byte(c.Count) != byte(want.Count) {
			t.Fatalf("cell %d: %+v, want %+v", i, c, want)
		}
	}
}
