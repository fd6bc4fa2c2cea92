package crdt

import "testing"

func TestASlabMovesOneChunkAtMost(t *testing.T) {
	var s slab[int]
	const size = 3*slabChunk + 5
	var at [size]*int
	for i := range size {
		if got := s.push(); int(got) != i {
			t.Fatalf("pushed at %d, want %d", got, i)
		}
		at[i] = s.at(uint32(i))
		*at[i] = i
	}
	for i := range size {
		switch got := s.at(uint32(i)); {
		case *got != i:
			t.Fatalf("record %d is %d", i, *got)
		case i >= slabChunk && got != at[i]:
			t.Fatalf("record %d moved", i)
		}
	}
}

func TestASlabGivesChunksBack(t *testing.T) {
	var s slab[int]
	for range 10 * slabChunk {
		*s.at(s.push()) = 1
	}
	for range 10 * slabChunk {
		s.pop()
	}
	if len(s.chunks) > 2 {
		t.Fatalf("%d chunks of nothing", len(s.chunks))
	}
	if got := *s.at(s.push()); got != 0 {
		t.Fatalf("a new record is %d", got)
	}
}
