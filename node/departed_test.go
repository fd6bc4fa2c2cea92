package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/protocol"
)

// answerBytes returns how many bytes of answers the city remembers for callers that are
// connected, and for others.
func (m *member) answerBytes(t *testing.T) (connected, others int) {
	t.Helper()
	if err := m.inLoop(t.Context(), func(c *city.Core) { connected, others = c.AnswerBytes() }); err != nil {
		t.Fatal(err)
	}
	return connected, others
}

func TestTheAnswersToACallerAreApartWhileItIsConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		caller := newStranger(t, net)
		caller.meets(t, gotham)
		if _, err := caller.client(t, gotham).Create(t.Context(), newID(), protocol.CreateRequest{Name: "Robin", Here: true}); err != nil {
			t.Fatal(err)
		}
		if connected, others := gotham.answerBytes(t); connected == 0 || others != 0 {
			t.Errorf("while it is connected: %d and %d bytes", connected, others)
		}
		if err := caller.Network().ClosePeer(gotham.Peer()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if connected, others := gotham.answerBytes(t); connected != 0 || others == 0 {
			t.Errorf("when it has departed: %d and %d bytes", connected, others)
		}
	})
}
