package table

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAListIsASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l List
		var want []uint32
		for v := range rapid.Uint32Range(0, 3*listChunk).Draw(t, "size") {
			if at := l.Push(v); int(at) != len(want) {
				t.Fatalf("pushed at %d, want %d", at, len(want))
			}
			want = append(want, v)
		}
		for range rapid.IntRange(0, len(want)).Draw(t, "removals") {
			i := rapid.IntRange(0, len(want)-1).Draw(t, "i")
			last := want[len(want)-1]
			want[i] = last
			want = want[:len(want)-1]
			if got := l.Remove(uint32(i)); got != last {
				t.Fatalf("%d moved, want %d", got, last)
			}
		}
		var got []uint32
		for i := range l.size {
			got = append(got, l.At(i))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
