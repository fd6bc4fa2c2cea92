package names

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/streams"
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
