package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// takeMany takes up to n watches for a caller, and returns how many it was given and a
// count of those that were taken from it again.
func takeMany(w *watchShares, caller string, n int) (given int, lost *int) {
	lost = new(int)
	for range n {
		if _, err := w.take(caller, func(error) { *lost++ }); err == nil {
			given++
		}
	}
	return given, lost
}

func TestACallerHasNoMoreThanItsShareOfWatches(t *testing.T) {
	w := newWatchShares()
	if given, _ := takeMany(w, "p", 2*watchesMax); given != watchesOfPeer {
		t.Errorf("%d watches, want %d", given, watchesOfPeer)
	}
	if given, _ := takeMany(w, "q", 1); given != 1 {
		t.Error("another has none")
	}
}

func TestWhereAllAreTakenTheGreediestGivesWay(t *testing.T) {
	w := newWatchShares()
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
		w := newWatchShares()
		held := make(map[*watchShare]bool)
		for range rapid.IntRange(1, 600).Draw(t, "steps") {
			var share *watchShare
			if rapid.IntRange(0, 9).Draw(t, "give back") == 0 {
				for s := range held {
					w.giveBack(s)
					w.giveBack(s) // again, as a displaced watch does
					delete(held, s)
					break
				}
				continue
			}
			share, err := w.take(fmt.Sprint(rapid.IntRange(0, 6).Draw(t, "caller")), func(error) { delete(held, share) })
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

// Callers that watch and never read cannot take all watches: an honest one has its own,
// and is told of what happens.
func TestWatchesThatAreNeverReadKeepNobodyFromWatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		for range 6 {
			foe := newStranger(t, net)
			foe.meets(t, gotham)
			for range 100 {
				request, err := protocol.Marshal(protocol.Request{Method: protocol.MethodWatch, ID: newID(), Body: []byte{0xa0}})
				if err != nil {
					t.Fatal(err)
				}
				if err := protocol.WriteFrame(foe.callStream(t, gotham), request); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Second)
		honest := newStranger(t, net)
		honest.meets(t, gotham)
		ctx, cancel := context.WithTimeout(t.Context(), waitMax)
		defer cancel()
		told := errors.New("told")
		err := honest.client(t, gotham).Watch(ctx, protocol.WatchRequest{}, func(crdt.Summary) error {
			gotham.create(t, "Batman")
			return nil
		}, func(crdt.Entries) error { return told })
		if !errors.Is(err, told) {
			t.Errorf("an honest watch: %v", err)
		}
	})
}
