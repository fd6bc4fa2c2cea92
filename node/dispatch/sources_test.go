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
	gone := []protocol.CityStatus{protocol.StatusSuspect, protocol.StatusFailed, protocol.StatusLeft}
	learns := func(status protocol.CityStatus, want int) {
		t.Helper()
		n.is(status)
		if d.learn(t.Context()); len(d.known) != want {
			t.Errorf("once the city is %s %v are remembered, want %d", status, d.known, want)
		}
	}
	for _, status := range gone {
		learns(status, 0)
	}
	learns(protocol.StatusAlive, 1)
	for _, status := range gone { // the node may be wrong, or be gone before it is right
		learns(status, 1)
	}
	for range 2 * knownMax {
		n.holders = append(n.holders, n.holders[0])
	}
	learns(protocol.StatusAlive, knownMax)
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
