package membership

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/protocol"
)

// silence is after how long a city that is not heard counts as gone in these tests.
const silence = 30 * time.Second

// errNoRoute is why a city could not be asked.
var errNoRoute = errors.New("no route")

// names returns the names of entries, in their order.
func names(entries []Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Presence.City)
	}
	return all
}

func TestACityIsHearsayOnceItWasAskedInVain(t *testing.T) {
	h := NewHearsay()
	news := presenceOf(gotham(after(1), after(2)))
	if !h.Hear("p", "star", news, noon, silence) || len(h.All(noon)) != 0 {
		t.Error("it is hearsay before it was asked, or no news")
	}
	h.Asked("q", errNoRoute)
	h.Asked("p", errNoRoute)
	all := h.All(noon)
	if len(all) != 1 {
		t.Fatalf("%d cities", len(all))
	}
	e := all[0]
	if e.Peer != "p" || !e.Presence.Equal(news) || e.Status != protocol.StatusRelayed || e.Via != "star" || !errors.Is(e.Failure, errNoRoute) {
		t.Errorf("it is %+v", e)
	}
	news.Sent = after(3)
	later := noon.Add(10 * time.Second)
	if !h.Hear("p", "fawcett", news, later, silence) {
		t.Error("what is passed on of it is no news")
	}
	if e := h.All(later)[0]; e.Via != "fawcett" || !e.Heard.Equal(later) || !e.Found.Equal(noon) || !e.Presence.Equal(news) {
		t.Errorf("later it is %+v", e)
	}
	if len(h.All(later.Add(time.Nanosecond))) != 0 {
		t.Error("it is told of though it was not heard since")
	}
}

func TestWhatEndsHearsay(t *testing.T) {
	leaving := presenceOf(gotham(after(1), after(9)))
	leaving.Leaving = true
	for fact, end := range map[string]func(*Hearsay){
		"it has answered":                   func(h *Hearsay) { h.Asked("p", nil) },
		"it is no city of the network":      func(h *Hearsay) { h.Asked("p", fmt.Errorf("asked: %w", bootstrap.ErrOtherCity)) },
		"it has said goodbye, through star": func(h *Hearsay) { h.Hear("p", "star", leaving, noon, silence) },
	} {
		h := NewHearsay()
		h.Hear("p", "star", presenceOf(gotham(after(1), after(2))), noon, silence)
		h.Asked("p", errNoRoute)
		if end(h); len(h.All(noon)) != 0 || len(h.byPeer) != 0 {
			t.Errorf("%s, and it is still hearsay", fact)
		}
	}
}

func TestAPresenceThatIsPassedOnAgainIsNoNews(t *testing.T) {
	h := NewHearsay()
	h.Hear("p", "star", presenceOf(gotham(after(2), after(5))), noon, silence)
	h.Asked("p", errNoRoute)
	later := noon.Add(time.Second)
	for fact, old := range map[string]protocol.Presence{
		"the same":                      presenceOf(gotham(after(2), after(5))),
		"an older one":                  presenceOf(gotham(after(2), after(4))),
		"one of the incarnation before": presenceOf(gotham(after(1), after(9))),
	} {
		if h.Hear("p", "star", old, later, silence) || len(h.All(later)) != 0 {
			t.Errorf("%s is news", fact)
		}
	}
	if !h.Hear("p", "star", presenceOf(gotham(after(3), after(1))), later, silence) {
		t.Error("one of the next incarnation is no news")
	}
}

// invent has a neighbour pass on presences of as many authors that it made up.
func invent(h *Hearsay, via peer.ID, many int, now time.Time) {
	for n := range many {
		p := peer.ID(fmt.Sprint("made up by ", via, " ", n))
		h.Hear(p, via, presenceOf(gotham(after(1), after(2))), now, silence)
		h.Asked(p, errNoRoute)
	}
}

// Anybody can make up keys, and sign presences with them.
func TestWhoMakesCitiesUpTakesNoPlaceFromOthers(t *testing.T) {
	h := NewHearsay()
	honest := presenceOf(gotham(after(1), after(2)))
	honest.City = "atlantis"
	h.Hear("real", "star", honest, noon, silence)
	h.Asked("real", errNoRoute)
	invent(h, "foe", 10*hearsayShare, noon)
	if n := len(h.byPeer); n != hearsayShare+1 {
		t.Errorf("one foe fills %d places", n)
	}
	for n := range 10 {
		invent(h, peer.ID(fmt.Sprint("foe ", n)), hearsayShare, noon)
	}
	if n := len(h.byPeer); n != hearsayMax {
		t.Errorf("many foes fill %d places", n)
	}
	if all := names(h.All(noon)); all[0] != "atlantis" {
		t.Error("the real city has lost its place")
	}
	honest.Sent = after(20)
	h.Hear("real", "star", honest, noon.Add(20*time.Second), silence)
	invent(h, "star", 1, noon.Add(31*time.Second)) // the foes are silent by now
	if all := names(h.All(noon)); len(all) != 2 || all[0] != "atlantis" {
		t.Errorf("after their silence there are %v", all)
	}
}
