package antientropy

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func nobody(peer.ID) bool { return false }

func TestRequestsAreTakenWhenTheyAreDueTheLongestDueFirst(t *testing.T) {
	w, now := newRequests(), time.Now()
	w.add("late", time.Minute)
	w.add("second", 0)
	w.add("first", -time.Second)
	w.add("third", time.Second)
	due, next := w.take(now.Add(2*time.Second), 2, nobody)
	if !slices.Equal(due, []peer.ID{"first", "second"}) || next > time.Minute {
		t.Errorf("due %q, the next in %v", due, next)
	}
	busy := func(p peer.ID) bool { return p == "third" }
	if due, _ := w.take(now.Add(2*time.Minute), 9, busy); !slices.Equal(due, []peer.ID{"late"}) {
		t.Errorf("due %q, want the one that is not busy", due)
	}
	if due, _ := w.take(now.Add(2*time.Minute), 9, nobody); !slices.Equal(due, []peer.ID{"third"}) {
		t.Errorf("due %q, want the one that was busy", due)
	}
}

func TestASessionFulfilsOnlyTheRequestsOfBefore(t *testing.T) {
	w, begun := newRequests(), time.Now().Add(time.Hour)
	w.add("before", 0)
	w.fulfilled("before", begun)
	w.add("after", 0)
	w.fulfilled("after", begun.Add(-2*time.Hour))
	if due, _ := w.take(begun, 9, nobody); !slices.Equal(due, []peer.ID{"after"}) {
		t.Errorf("due %q, want only what was wished after the session began", due)
	}
}

// What was missed while a session ran may not have been in it.
func TestASessionDoesNotFulfilARequestThatCameAgainMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRequests()
		w.add("p", 0)
		time.Sleep(time.Second)
		begun := time.Now()
		time.Sleep(time.Second)
		w.add("p", 0)
		w.fulfilled("p", begun)
		if due, _ := w.take(time.Now(), 9, nobody); !slices.Equal(due, []peer.ID{"p"}) {
			t.Errorf("due %q, want the one that was requested again", due)
		}
	})
}

func TestRequestsAreBoundedAndHastenedNotDelayed(t *testing.T) {
	w, now := newRequests(), time.Now()
	w.add("again", 0)
	w.add("again", time.Hour)
	for n := range 2 * requestsMax {
		w.add(peer.ID(fmt.Sprint(n)), time.Hour)
	}
	if due, _ := w.take(now.Add(time.Second), 9, nobody); !slices.Equal(due, []peer.ID{"again"}) {
		t.Errorf("due %q", due)
	}
	if n := len(w.byPeer); n >= requestsMax {
		t.Errorf("%d requests", n)
	}
}
