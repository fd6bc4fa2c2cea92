package node

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/citynode/citynode/protocol"
)

func TestAPeerThatIsDeafIsConnectedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		peer := newStranger(t, net)
		peer.meets(t, gotham)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ps, err := pubsub.NewGossipSub(ctx, peer)
		if err != nil {
			t.Fatal(err)
		}
		topic, err := ps.Join(protocol.PresenceTopic(protocol.DefaultNetwork))
		if err != nil {
			t.Fatal(err)
		}
		sub, err := topic.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is in the topic", func() bool { return len(gotham.presences()) == 1 })
		time.Sleep(time.Minute)
		old := gotham.host.Network().ConnsToPeer(peer.ID())
		if len(old) == 0 || slices.ContainsFunc(old, network.Conn.IsClosed) {
			t.Fatal("disconnected while it is in the topic")
		}
		sub.Cancel()
		within(t, 8*time.Second, "noticing", func() {
			eventually(t, "the old connection is closed", func() bool { return old[0].IsClosed() })
		})
	})
}

func TestAFailedCityThatIsConnectedIsAskedAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		time.Sleep(time.Minute)
		gotham.lose(metropolis)
		within(t, 2*time.Second, "asking", func() { awaitStatus(t, metropolis, Alive, gotham) })
	})
}

// lose has the member take another for one that failed.
func (m *member) lose(other *member) {
	if event := m.directory.Judge(other.Peer(), Failed); event != nil {
		m.cfg.Events.cityChanged(*event)
	}
}
