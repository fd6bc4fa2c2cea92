package streams

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// takeMany takes up to n watches for a caller, and returns how many it was given and a
// count of those that were taken from it again.
func takeMany(w *Watches, caller string, n int) (given int, lost *int) {
	lost = new(int)
	for range n {
		if _, err := w.Take(caller, func(error) { *lost++ }); err == nil {
			given++
		}
	}
	return given, lost
}

func TestACallerHasNoMoreThanItsShareOfWatches(t *testing.T) {
	w := NewWatches()
	if given, _ := takeMany(w, "p", 2*watchesMax); given != watchesOfPeer {
		t.Errorf("%d watches, want %d", given, watchesOfPeer)
	}
	if given, _ := takeMany(w, "q", 1); given != 1 {
		t.Error("another has none")
	}
}

func TestWhereAllAreTakenTheGreediestGivesWay(t *testing.T) {
	w := NewWatches()
	var lost []*int
	for i := range 8 {
		_, l := takeMany(w, fmt.Sprint(i), watchesMax)
		lost = append(lost, l)
	}
	if w.count != watchesMax {
		t.Errorf("%d watches, want %d", w.count, watchesMax)
	}
	for p, shares := range w.byPeer {
		if len(shares) != watchesMax/8 {
			t.Errorf("%s has %d, want %d", p, len(shares), watchesMax/8)
		}
	}
	if given, taken := takeMany(w, "honest", 10); given != 10 || *taken != 0 {
		t.Errorf("an honest one was given %d and lost %d", given, *taken)
	}
	total := 0
	for _, l := range lost {
		total += *l
	}
	if total == 0 || w.count != watchesMax {
		t.Errorf("%d were taken away, %d are there", total, w.count)
	}
}

// Whatever is taken and given back, the counts are right, and within the bounds.
func TestSharesOfWatchesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWatches()
		held := make(map[*WatchShare]bool)
		for range rapid.IntRange(1, 600).Draw(t, "steps") {
			var share *WatchShare
			if rapid.IntRange(0, 9).Draw(t, "give back") == 0 {
				for s := range held {
					w.GiveBack(s)
					w.GiveBack(s) // again, as a displaced watch does
					delete(held, s)
					break
				}
				continue
			}
			share, err := w.Take(fmt.Sprint(rapid.IntRange(0, 6).Draw(t, "caller")), func(error) { delete(held, share) })
			if err == nil {
				held[share] = true
			}
			sum := 0
			for _, shares := range w.byPeer {
				sum += len(shares)
				if len(shares) > watchesOfPeer || len(shares) == 0 {
					t.Fatalf("a caller has %d", len(shares))
				}
			}
			if sum != w.count || sum > watchesMax {
				t.Fatalf("%d counted, %d there", w.count, sum)
			}
		}
	})
}
