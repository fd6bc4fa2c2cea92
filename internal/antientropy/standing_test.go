package antientropy

import (
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestAPeerHasStandingOnceItIsKnownForSomeTime(t *testing.T) {
	start := time.Now()
	s := newStanding()
	s.synced("who is there before the city opens", start)
	s.open(start)
	s.open(start.Add(time.Hour)) // of a later incarnation; the first time counts
	s.synced("a founder", start.Add(foundersWithin))
	late := start.Add(foundersWithin + time.Second)
	s.synced("a newcomer", late)
	for p, want := range map[peer.ID]bool{"who is there before the city opens": true, "a founder": true, "a newcomer": false, "nobody": false} {
		if s.has(p) != want {
			t.Errorf("%s has standing: %t", p, s.has(p))
		}
	}
	if s.synced("a newcomer", late.Add(standingAfter-1)); s.has("a newcomer") {
		t.Error("a newcomer has standing too early")
	}
	if s.synced("a newcomer", late.Add(standingAfter)); !s.has("a newcomer") {
		t.Error("a peer that is known for long has no standing")
	}
	s.sated("who holds much", start) // however early
	if s.sated("who holds much", start.Add(standingAfter-1)); s.has("who holds much") {
		t.Error("a peer has standing for bringing too much")
	}
	if s.sated("who holds much", start.Add(standingAfter)); !s.has("who holds much") {
		t.Error("a peer that holds much has no standing until all has come")
	}
}

func TestAnEmptyCityThatHasMetNobodyIsLonelyOnce(t *testing.T) {
	s := newStanding()
	s.begin()
	s.sated("p", time.Now())
	if !s.lonely() {
		t.Error("a session that was not complete ends it")
	}
	if s.synced("p", time.Now()); s.lonely() {
		t.Error("it is lonely after a session")
	}
	if s.begin(); !s.lonely() {
		t.Error("the next incarnation has met somebody")
	}
}

// Keys cost nothing, so any number of peers may want standing.
func TestNobodyTakesTheStandingOfAnother(t *testing.T) {
	start := time.Now()
	s := newStanding()
	s.open(start)
	s.synced("a friend", start)
	for i := range 2 * standingMax {
		s.synced(peer.ID(strconv.Itoa(i)), start)
	}
	if !s.has("a friend") || len(s.known) != standingMax {
		t.Errorf("%d have standing, a friend among them: %t", len(s.known), s.has("a friend"))
	}
	later := start.Add(standingKept)
	s.synced("a friend", later)
	s.synced("another", later)
	if s.synced("another", later.Add(standingAfter)); !s.has("another") || !s.has("a friend") || len(s.known) != 2 {
		t.Errorf("%d have standing when the others have not been seen for days", len(s.known))
	}
	if s.candidates.Len() > candidatesMax {
		t.Errorf("%d candidates", s.candidates.Len())
	}
}
