package antientropy

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
)

// newerHost has a connection besides that was made now, as after the other side came back.
type newerHost struct{ host.Host }

type newerNetwork struct{ network.Network }

type newerConn struct{ network.Conn }

func (h newerHost) Network() network.Network { return newerNetwork{h.Host.Network()} }

func (n newerNetwork) ConnsToPeer(p peer.ID) []network.Conn {
	conns := n.Network.ConnsToPeer(p)
	return append(conns, newerConn{conns[0]})
}

func (c newerConn) Stat() network.ConnStats {
	return network.ConnStats{Stats: network.Stats{Opened: time.Now()}}
}

func TestASessionIsNotBegunOnAKeptStreamOfAnOlderConnection(t *testing.T) {
	net, err := mocknet.FullMeshConnected(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = net.Close() })
	own, other := net.Hosts()[0], net.Hosts()[1]
	other.SetStreamHandler("/sync/test", func(s network.Stream) { t.Cleanup(func() { _ = s.Reset() }) })
	pool := newStreamPool(own, "/sync/test")
	defer pool.idle.CloseAll()
	kept, _, err := pool.take(t.Context(), other.ID())
	if err != nil {
		t.Fatal(err)
	}
	pool.idle.Put(other.ID(), kept)
	if again, used, err := pool.take(t.Context(), other.ID()); err != nil || !used || again != kept {
		t.Fatalf("on the only connection there is: the kept stream is used: %v, %v", used, err)
	}
	pool.idle.Put(other.ID(), kept)
	pool.host = newerHost{own}
	if fresh, used, err := pool.take(t.Context(), other.ID()); err != nil || used || fresh == kept {
		t.Errorf("a kept stream of the older connection is used: %v, %v", used, err)
	}
}
