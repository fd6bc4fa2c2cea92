package gossip

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/protocol"
)

// A dialing host notes whom it is told to connect to.
type dialing struct {
	host.Host
	mu   sync.Mutex // guards told
	told []peer.ID
}

func (d *dialing) Connect(ctx context.Context, info peer.AddrInfo) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, info.ID)
	return nil
}

// A peer leaves the topic, and names another one in its place, as GossipSub's exchange of
// peers has it.
func TestNobodyIsDialedOnTheWordOfWhoPrunes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := mocknet.New()
		var hosts [3]host.Host
		for i := range hosts {
			h, err := net.GenPeer()
			if err != nil {
				t.Fatal(err)
			}
			hosts[i] = h
		}
		city := &dialing{Host: hosts[0]}
		router, err := NewRouter(RouterConfig{Host: city, Network: "main", Known: known(), Missed: func(peer.ID) {}, Lost: func() {}, OwnEcho: func(peer.ID) {}})
		if err != nil {
			t.Fatal(err)
		}
		topic, err := router.Join(protocol.DeltaTopic("main"), func(context.Context, peer.ID, *pubsub.Message) pubsub.ValidationResult {
			return pubsub.ValidationAccept
		})
		if err != nil {
			t.Fatal(err)
		}
		sub, err := topic.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Cancel()
		ctx, cancel := context.WithCancel(t.Context())
		leave := joins(t, ctx, hosts[1])
		joins(t, ctx, hosts[2])
		// The city and the one that is named are not linked, or the latter, which is told of
		// the city too, would come by itself.
		for _, other := range []host.Host{hosts[0], hosts[2]} {
			if _, err := net.LinkPeers(hosts[1].ID(), other.ID()); err != nil {
				t.Fatal(err)
			}
			if _, err := net.ConnectPeers(hosts[1].ID(), other.ID()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second) // until the mesh stands
		leave()
		time.Sleep(5 * time.Second)
		city.mu.Lock()
		if slices.Contains(city.told, hosts[2].ID()) {
			t.Error("the city dials whom the other has named")
		}
		city.mu.Unlock()
		cancel()
		for _, end := range []func() error{router.Close, net.Close} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
}

// joins has a host take part in the topic of deltas, until leave is called.
func joins(t *testing.T, ctx context.Context, h host.Host) (leave func()) {
	t.Helper()
	ps, err := pubsub.NewGossipSub(ctx, h, pubsub.WithPeerExchange(true))
	if err != nil {
		t.Fatal(err)
	}
	topic, err := ps.Join(protocol.DeltaTopic("main"))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	return sub.Cancel
}
