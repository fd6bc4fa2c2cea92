package dispatch

import (
	"testing"
	"testing/synctest"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/citynode/citynode/protocol"
)

func TestOnlyCitiesThatAreAliveAreRememberedToBeAsked(t *testing.T) {
	n := &directoryNode{holders: []host.Host{listening(t)}}
	d := askOf(t, n)
	for _, status := range []protocol.CityStatus{protocol.StatusSuspect, protocol.StatusFailed, protocol.StatusLeft} {
		n.is(status)
		if d.learn(t.Context()); len(d.known) > 0 {
			t.Errorf("a city that is %s is remembered: %v", status, d.known)
		}
	}
	n.is(protocol.StatusAlive)
	if d.learn(t.Context()); len(d.known) != 1 || d.known[0].Peer.ID != n.holders[0].ID() {
		t.Errorf("of one city that is alive %v is remembered", d.known)
	}
}

// A connection over which nothing comes may be one to a process that is gone. As long as it
// is kept all new streams go over it.
func TestTheConnectionToASourceThatFellSilentIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFakeCity("first"), newFakeCity("second")
		r := follow("", first, second)
		settle()
		if r.lives != 1 || first.dropped > 0 {
			t.Fatalf("%d cities told, and %d connections were dropped", r.lives, first.dropped)
		}
		speak := first.fallSilent()
		settle()
		if first.dropped != 1 || second.dropped > 0 {
			t.Errorf("of the silent city %d connections were dropped, of the other %d", first.dropped, second.dropped)
		}
		if last := r.updates[len(r.updates)-1]; !last.Live || last.Peer != "second" {
			t.Errorf("the last update is %+v, want the other city live", last)
		}
		r.stop()
		speak()
	})
}
