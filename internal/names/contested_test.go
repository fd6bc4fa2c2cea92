package names

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

func TestAnotherHolderOfTheNameIsToldOfWhenItComesAndNotAtEachAnswer(t *testing.T) {
	n, _ := namesOf(t, new(others))
	var told []peer.ID
	n.cfg.Contested = func(_ string, p peer.ID) { told = append(told, p) }
	change := func(status protocol.CityStatus) *membership.Event {
		return &membership.Event{Peer: "rival", Status: status}
	}
	for _, step := range []struct {
		city    string
		changed *membership.Event
		told    int // in all
	}{
		{"star", change(protocol.StatusAlive), 1},
		{"star", nil, 1},
		{"star", change(protocol.StatusFailed), 1},
		{"gotham", change(protocol.StatusAlive), 1},
		{"star", change(protocol.StatusAlive), 2},
	} {
		n.Identified("rival", protocol.InfoReply{City: step.city}, step.changed)
		if len(told) != step.told || n.Contests() != uint64(step.told) {
			t.Errorf("after %+v %v were told of, and %d counted", step, told, n.Contests())
		}
	}
}
