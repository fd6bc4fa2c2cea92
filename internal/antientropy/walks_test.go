package antientropy

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
)

// many are more entries than walks are free for.
const many = 4_900_000

// walked has a peer be the reason for walks, and returns how many were made.
func walked(w *walks, p peer.ID, tries int, entries uint64, now time.Time) (made int) {
	for range tries {
		if end, err := w.begin(p, forOthers, entries, now); err == nil {
			made++
			end()
		}
	}
	return made
}

func TestAPeerHasAFewWalksAndThenWaits(t *testing.T) {
	w, now := newWalks(), time.Unix(1_800_000_000, 0)
	if made := walked(w, "foe", 100, many, now); made != walksPerPeer {
		t.Errorf("%d walks, want %d", made, walksPerPeer)
	}
	if made := walked(w, "friend", 1, many, now); made != 1 {
		t.Error("another peer waits for it")
	}
	// So much of a processor a second, whatever the state holds.
	later := now.Add(many / walkRatePeer * time.Second)
	if made := walked(w, "foe", 100, many, later); made != 1 {
		t.Errorf("%d walks %v later, want 1", made, later.Sub(now))
	}
}

func TestNewPeersHaveNoMoreWalksThanAllMay(t *testing.T) {
	w, now, made := newWalks(), time.Unix(1_800_000_000, 0), 0
	for n := range 100 {
		made += walked(w, peer.ID(fmt.Sprint(n)), walksPerPeer, many, now)
	}
	if made != walksInAll {
		t.Errorf("%d walks of a hundred peers, want %d", made, walksInAll)
	}
}

func TestWalksThroughASmallStateAreFree(t *testing.T) {
	w, now := newWalks(), time.Unix(1_800_000_000, 0)
	if made := walked(w, "friend", 100, 1000, now); made != 100 {
		t.Errorf("%d walks of 100 through a thousand entries", made)
	}
}

func TestOneWalkRunsAtATimeAndOthersDoNotHoldTheOwnPlace(t *testing.T) {
	w, now := newWalks(), time.Unix(1_800_000_000, 0)
	end, err := w.begin("foe", forOthers, 10, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.begin("friend", forOthers, 10, now); !errors.Is(err, reconcile.ErrBusy) {
		t.Errorf("a second one at the same time: %v", err)
	}
	own, err := w.begin("friend", forOwn, 10, now)
	if err != nil {
		t.Errorf("the own audit waits for that of a stranger: %v", err)
	}
	own()
	end()
	if made := walked(w, "friend", 1, 10, now); made != 1 {
		t.Error("a walk that has ended leaves its place taken")
	}
}
