package names

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/protocol"
)

// startingWith returns the names of the city star that is about to start beside a
// neighbour, which is city "metropolis" and does not say whom it knows.
func startingWith(t *testing.T, o *others) (*Names, *tenure) {
	t.Helper()
	o.cities["neighbour"] = "metropolis"
	n, own := namesOf(t, o)
	n.cfg.Neighbours = func(int) []peer.ID { return []peer.ID{"neighbour"} }
	n.cfg.Clients = streams.NewClients(n.cfg.Host, "/call")
	n.cfg.PresenceEvery = 10 * time.Second
	return n, own
}

func TestOnlyWhoIsHeardAndSaysSoItselfStopsAStart(t *testing.T) {
	for says, stops := range map[string]bool{"star": true, "gotham": false, "": false} {
		synctest.Test(t, func(t *testing.T) {
			o := &others{cities: map[peer.ID]string{"other": says}, presences: map[peer.ID]string{"other": "star"}}
			n, own := startingWith(t, o)
			begun := time.Now()
			holder, err := n.Claim(t.Context())
			if err != nil || (holder != nil) != stops || stops && holder.ID != "other" || (own.since == 0) != stops {
				t.Errorf("it is heard as star and says %q: held by %v, %v", says, holder, err)
			}
			if took := time.Since(begun); took > listenMax {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestWhoHasAnotherNameByItsPresenceIsNotAskedAtAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &others{cities: map[peer.ID]string{"other": "star"}, presences: map[peer.ID]string{"other": "gotham"}}
		n, _ := startingWith(t, o)
		if holder, err := n.Claim(t.Context()); err != nil || holder != nil || o.asked.Load() != 1 {
			t.Errorf("held by %v, %v; %d were asked, want the neighbour alone", holder, err, o.asked.Load())
		}
	})
}

func TestWhoSaysThatItLeavesIsNotAskedAtAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &others{cities: map[peer.ID]string{"other": "star"}, presences: map[peer.ID]string{"other": "star"}, leaving: true}
		n, _ := startingWith(t, o)
		if holder, err := n.Claim(t.Context()); err != nil || holder != nil || o.asked.Load() != 1 {
			t.Errorf("held by %v, %v; %d were asked, want the neighbour alone", holder, err, o.asked.Load())
		}
	})
}

// A presence of the own last run may still be under way.
func TestACityIsNoRivalOfItselfAtAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &others{cities: map[peer.ID]string{}, presences: map[peer.ID]string{}}
		n, own := startingWith(t, o)
		o.cities[n.cfg.Host.ID()], o.presences[n.cfg.Host.ID()] = "star", "star"
		if holder, err := n.Claim(t.Context()); err != nil || holder != nil || own.since == 0 || o.asked.Load() != 1 {
			t.Errorf("held by %v, %v; %d were asked, want the neighbour alone", holder, err, o.asked.Load())
		}
	})
}

func TestOfThoseWhoAreSaidToHaveTheNameABoundedNumberIsAskedAtAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &others{cities: map[peer.ID]string{}, presences: map[peer.ID]string{}}
		for i := range 3 * rivalsMax {
			o.presences[peer.ID(fmt.Sprint(i))] = "star"
		}
		n, _ := startingWith(t, o)
		if holder, err := n.Claim(t.Context()); err != nil || holder != nil {
			t.Errorf("held by %v, %v", holder, err)
		}
		if asked := o.asked.Load(); asked != rivalsMax+1 {
			t.Errorf("%d were asked, want %d and the neighbour", asked, rivalsMax)
		}
	})
}

func TestABoundedNumberOfNeighboursIsAskedAtAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &others{cities: map[peer.ID]string{}}
		n, _ := startingWith(t, o)
		var many []peer.ID
		for i := range 3 * asksMax {
			many = append(many, peer.ID(fmt.Sprint(i)))
		}
		n.cfg.Neighbours = func(int) []peer.ID { return many }
		if holder, err := n.Claim(t.Context()); err != nil || holder != nil || o.asked.Load() != asksMax {
			t.Errorf("held by %v, %v; %d were asked, want %d", holder, err, o.asked.Load(), asksMax)
		}
	})
}

func TestWhoIsSaidToHaveLeftIsNotAskedAtAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := startingWith(t, &others{cities: map[peer.ID]string{}})
		s := &rivalSearch{
			names: n, answers: make(chan answer, asksMax+rivalsMax),
			asked: map[peer.ID]bool{}, rivals: map[peer.ID]bool{}, known: map[peer.ID]bool{},
		}
		for status, asked := range map[protocol.CityStatus]bool{protocol.StatusLeft: false, protocol.StatusFailed: true} {
			line := protocol.CityLine{Peer: []byte(status), Status: status, Presence: protocol.Presence{City: "star"}}
			s.learn(t.Context(), answer{who: "neighbour", lines: []protocol.CityLine{line}})
			if s.rivals[peer.ID(status)] != asked {
				t.Errorf("of one that is said to be %s: asked %t, want %t", status, !asked, asked)
			}
		}
		s.asking.Wait()
	})
}

func TestAnIntervalOfPresencesThatIsShortBoundsAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &others{cities: map[peer.ID]string{}, silent: true}
		n, own := startingWith(t, o)
		n.cfg.PresenceEvery = time.Second
		begun := time.Now()
		if holder, err := n.Claim(t.Context()); err != nil || holder != nil || own.since == 0 {
			t.Errorf("held by %v, %v", holder, err)
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("beside a neighbour that does not answer it took %v", took)
		}
	})
}
