package node

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

func TestAPeerIsDeafThatIsConnectedAndHasLongLeftTheTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		there := []peer.ID{metropolis.Peer()}
		d := newDeafness(gotham.Node)
		begun := time.Now()
		for i, row := range []struct {
			after   time.Duration
			members []peer.ID
			deaf    bool
		}{
			{0, nil, false}, // it was never in the topic
			{10 * time.Second, nil, false},
			{11 * time.Second, there, false},
			{12 * time.Second, nil, false}, // it has just left
			{14 * time.Second, there, false},
			{15 * time.Second, nil, false},
			{19 * time.Second, nil, false},
			{21 * time.Second, nil, true},
			{30 * time.Second, nil, false}, // told once
		} {
			if deaf := d.of(row.members, begun.Add(row.after)); slices.Equal(deaf, there) != row.deaf {
				t.Errorf("%d: deaf are %v", i, deaf)
			}
		}
		d.of([]peer.ID{"gone"}, begun)
		if d.of(nil, begun); len(d.since) != 0 {
			t.Error("one that is not connected is remembered")
		}
	})
}

func TestAPeerThatIsDeafIsConnectedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		peer := newStranger(t, net)
		peer.meets(t, gotham)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ps, err := newPubSub(ctx, peer, DefaultNetwork, 0, newInvalids())
		if err != nil {
			t.Fatal(err)
		}
		topic, err := ps.Join(protocol.PresenceTopic(DefaultNetwork))
		if err != nil {
			t.Fatal(err)
		}
		sub, err := topic.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is in the topic", func() bool { return len(gotham.presence.topic.ListPeers()) == 1 })
		time.Sleep(time.Minute)
		old := gotham.host.Network().ConnsToPeer(peer.ID())
		if len(old) == 0 || slices.ContainsFunc(old, network.Conn.IsClosed) {
			t.Fatal("disconnected while it is in the topic")
		}
		sub.Cancel()
		within(t, deafAfter+3*time.Second, "noticing", func() {
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
	event, _ := m.directory.lost(other.Peer(), m.cfg.Now())
	m.tellCity(event)
}
