package antientropy

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestThreeStrikesBarAPeerForAWhile(t *testing.T) {
	s, now := newStrikes(), time.Unix(1_800_000_000, 0)
	for n := range strikesMax {
		if s.barred("foe", now) {
			t.Fatalf("barred after %d strikes", n)
		}
		s.add("foe", now)
	}
	if !s.barred("foe", now) || s.barred("friend", now) {
		t.Error("want the foe barred, and nobody else")
	}
	if s.barred("foe", now.Add(strikeLife+time.Second)) {
		t.Error("barred for ever")
	}
}

func TestRareStrikesDoNotAddUp(t *testing.T) {
	s, now := newStrikes(), time.Unix(1_800_000_000, 0)
	for range 10 * strikesMax {
		if s.add("unlucky", now); s.barred("unlucky", now) {
			t.Fatal("barred")
		}
		now = now.Add(strikeLife + time.Second)
	}
}

func TestTheMemoryOfStrikesIsBounded(t *testing.T) {
	s := newStrikes()
	for n := range 2 * struckMax {
		s.add(peer.ID(fmt.Sprint(n)), time.Unix(1_800_000_000, 0))
	}
	if n := s.byPeer.Len(); n > struckMax {
		t.Errorf("%d peers remembered", n)
	}
}
