package table

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAnArenaKeepsNamesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Arena
		kept := map[uint32]string{}
		for range rapid.IntRange(1, 2000).Draw(t, "names") {
			name := strings.Repeat(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "letter"),
				rapid.IntRange(1, TextBytesMax).Draw(t, "size"))
			at := a.Put(name)
			if old, taken := kept[at]; taken {
				t.Fatalf("%q was put over %q", name, old)
			}
			kept[at] = name
			if rapid.Bool().Draw(t, "release") {
				a.Release(at, uint8(len(name)))
				delete(kept, at)
			}
		}
		for at, name := range kept {
			if got := string(a.Bytes(at, uint8(len(name)))); got != name {
				t.Fatalf("got %q, want %q", got, name)
			}
		}
	})
}

func TestAnArenaUsesFreedPlacesAgain(t *testing.T) {
	var a Arena
	for round := range 100 {
		var at [1000]uint32
		size := round%TextBytesMax + 1
		for i := range at {
			at[i] = a.Put(strings.Repeat("x", size))
		}
		for i := range at {
			a.Release(at[i], uint8(size))
		}
	}
	most := 0 // each size in units once
	for units := 1; units <= TextBytesMax/arenaUnit; units++ {
		most += 1000 * units * arenaUnit
	}
	if got := len(a.chunks) * arenaChunkBytes; got > most+most/10 {
		t.Fatalf("%d bytes, want at most about %d", got, most)
	}
}
