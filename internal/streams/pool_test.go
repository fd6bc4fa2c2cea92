package streams

import (
	"slices"
	"testing"
)

func TestWhatIsIdleIsKeptWithinBounds(t *testing.T) {
	var closed []int
	i := NewPool(2, 3, func(n int) { closed = append(closed, n) })
	if _, ok := i.Take("a"); ok {
		t.Error("something was idle")
	}
	for n := range 3 {
		i.Put("a", n)
	}
	i.Put("b", 10)
	i.Put("c", 20)
	if !slices.Equal(closed, []int{2, 20}) {
		t.Errorf("closed %v, want what did not fit a peer, and what did not fit at all", closed)
	}
	if n, ok := i.Take("a"); !ok || n != 1 {
		t.Errorf("took %d, want the last one used", n)
	}
	i.CloseAll()
	slices.Sort(closed)
	if !slices.Equal(closed, []int{0, 2, 10, 20}) {
		t.Errorf("closed %v in the end, want all that was idle", closed)
	}
	if _, ok := i.Take("a"); ok {
		t.Error("something is idle after all was closed")
	}
}

func TestWhatIsTakenMakesRoom(t *testing.T) {
	i := NewPool(1, 2, func(n int) { t.Errorf("closed %d", n) })
	for n := range 10 {
		i.Put("a", n)
		if got, ok := i.Take("a"); !ok || got != n {
			t.Fatalf("took %d, %t, want %d", got, ok, n)
		}
	}
}
