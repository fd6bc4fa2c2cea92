package membership

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// screenOf returns a screen that knows these cities.
func screenOf(known ...peer.ID) *Screen {
	d := NewDirectory()
	for _, p := range known {
		d.Confirmed(p, protocol.InfoReply{City: string(p), Incarnation: after(1), Now: after(1)}, noon)
	}
	return NewScreen("own", d)
}

// admitted returns how many presences of new authors a sender may bring, one after another.
func admitted(s *Screen, sender peer.ID, tries int, now time.Time) (many int) {
	for n := range tries {
		if s.admits(peer.ID(fmt.Sprint(sender, now, n)), sender, now) {
			many++
		}
	}
	return many
}

func TestWhatOneSenderInventsIsBounded(t *testing.T) {
	s := screenOf("gotham")
	if n := admitted(s, "mallory", 1000, noon); n != strangerBurst {
		t.Errorf("%d of a stranger, want %d", n, strangerBurst)
	}
	if n := admitted(s, "mallory", 1000, noon.Add(10*time.Second)); n != 10*strangerRate {
		t.Errorf("%d ten seconds later, want %v", n, 10*strangerRate)
	}
	if n := admitted(s, "gotham", 1000, noon); n != bringerBurst {
		t.Errorf("%d by way of a city, want %d", n, bringerBurst)
	}
}

// What five strangers have a city pass on leaves room for the newcomers that it tells of.
func TestACityThatPassesOnWhatStrangersInventIsStillHeard(t *testing.T) {
	relay, s := screenOf(), screenOf("relay")
	through := func(now time.Time) (newcomer bool) {
		for n := range 5 {
			for i := range 20 {
				author := peer.ID(fmt.Sprint(n, i, now))
				if relay.admits(author, peer.ID(fmt.Sprint("mallory", n)), now) {
					s.admits(author, "relay", now)
				}
			}
		}
		return s.admits(peer.ID(fmt.Sprint("newcomer", now)), "relay", now)
	}
	heard := 0
	for second := range 60 {
		if through(noon.Add(time.Duration(second) * time.Second)) {
			heard++
		}
	}
	if heard < 40 {
		t.Errorf("newcomers were heard in %d of 60 seconds", heard)
	}
}

func TestAnAuthorHasABudgetWhoeverPassesItOn(t *testing.T) {
	s := screenOf("gotham")
	through := 0
	for n := range 1000 {
		if s.admits("gotham", peer.ID(fmt.Sprint(n)), noon) {
			through++
		}
	}
	if through != authorBurst {
		t.Errorf("%d presences of one author at once, want %d", through, authorBurst)
	}
	if !s.admits("gotham", "any", noon.Add(time.Second)) {
		t.Error("a city is not heard any more")
	}
}
