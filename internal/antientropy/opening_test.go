package antientropy

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

var errTest = errors.New("the session failed")

// town is a city that notes whether it was opened.
type town struct{ opened []bool }

func (c *town) Open(alone bool) { c.opened = append(c.opened, alone) }

func (*town) Replica() (reconcile.Replica, crdt.Stamp, error) { return nil, 0, errTest }

func (*town) Summary(context.Context) (crdt.Summary, error) { return crdt.Summary{}, nil }

// crowd is a cluster of these neighbours.
type crowd struct{ neighbours []peer.ID }

func (c *crowd) Neighbours(most int) []peer.ID {
	return c.neighbours[:min(most, len(c.neighbours))]
}

func (*crowd) Alive() []Neighbour { return nil }

func (*crowd) NameOf(peer.ID) string { return "" }

func (*crowd) Agreed(peer.ID, reconcile.Hello, crdt.Stamp) {}

// opens runs an opening whose city has started, and checks after how long the city
// opens, looked at every 100 ms for a minute; never where that is 0.
func opens(t *testing.T, neighbours []peer.ID, expects bool, fail func(*opening), want time.Duration, alone bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		city := &town{}
		o := newOpening(Config{
			City: city, Cluster: &crowd{neighbours}, ExpectsPeers: func() bool { return expects }, Every: time.Second,
		})
		o.nodeStarted()
		o.begin()
		begun := time.Now()
		if fail != nil {
			fail(o)
		}
		for time.Since(begun) < time.Minute {
			time.Sleep(100 * time.Millisecond)
			o.check()
			if len(city.opened) > 0 {
				break
			}
		}
		took := time.Since(begun)
		switch {
		case want == 0 && len(city.opened) > 0:
			t.Errorf("open after %v, want it to wait", took)
		case want > 0 && (len(city.opened) != 1 || city.opened[0] != alone || took < want || took > want+200*time.Millisecond):
			t.Errorf("opened %v after %v, want once, alone %t, after %v", city.opened, took, alone, want)
		}
		if o.synced(); len(city.opened) != 1 {
			t.Errorf("opened %d times, want once", len(city.opened))
		}
	})
}

func fails(times int) func(*opening) {
	return func(o *opening) {
		for range times {
			o.sessionEnded(errTest)
		}
	}
}

func TestACityThatIsAloneOpensOnceItHasLookedForOthers(t *testing.T) {
	opens(t, nil, true, nil, ConnectWait, true)
	opens(t, nil, false, nil, 100*time.Millisecond, true)
}

func TestACityWithNeighboursOpensWithoutThemOnlyAfterFailuresAndAWhile(t *testing.T) {
	neighbours := []peer.ID{"gotham"}
	opens(t, neighbours, true, nil, 0, false)
	opens(t, neighbours, true, fails(openingAttempts-1), 0, false)
	opens(t, neighbours, true, fails(openingAttempts), openingPatience, false)
}

func TestFailuresOfTheIncarnationBeforeDoNotOpenTheNext(t *testing.T) {
	opens(t, []peer.ID{"gotham"}, true, func(o *opening) {
		fails(openingAttempts)(o)
		o.begin()
	}, 0, false)
}
