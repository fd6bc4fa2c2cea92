package table

import "testing"

func TestASlabMovesOneChunkAtMost(t *testing.T) {
	var s Slab[int]
	const size = 3*slabChunk + 5
	var at [size]*int
	for i := range size {
		if got := s.Push(); int(got) != i {
			t.Fatalf("pushed at %d, want %d", got, i)
		}
		at[i] = s.At(uint32(i))
		*at[i] = i
	}
	for i := range size {
		switch got := s.At(uint32(i)); {
		case *got != i:
			t.Fatalf("record %d is %d", i, *got)
		case i >= slabChunk && got != at[i]:
			t.Fatalf("record %d moved", i)
		}
	}
}

func TestASlabGivesChunksBack(t *testing.T) {
	var s Slab[int]
	for range 10 * slabChunk {
		*s.At(s.Push()) = 1
	}
	for range 10 * slabChunk {
		s.Pop()
	}
	if len(s.chunks) > 2 {
		t.Fatalf("%d chunks of nothing", len(s.chunks))
	}
	if got := *s.At(s.Push()); got != 0 {
		t.Fatalf("a new record is %d", got)
	}
}
