package node

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	ma "github.com/multiformats/go-multiaddr"
)

// mockLatency is that of a message from one host to another.
const mockLatency = time.Millisecond

// mockNet is a network without transports, for use within a synctest bubble:
// it spends next to nothing but what the nodes themselves do. Its streams have
// no deadlines.
type mockNet struct {
	mocknet.Mocknet
	hosts atomic.Uint32

	mu    sync.Mutex // guards conns
	conns []network.Conn
}

func newMockNet(t *testing.T) *mockNet {
	t.Helper()
	n := &mockNet{Mocknet: mocknet.New()}
	n.SetLinkDefaults(mocknet.LinkOptions{Latency: mockLatency})
	t.Cleanup(func() {
		_ = n.Close() // always nil
		synctest.Wait()
		n.mu.Lock()
		conns := slices.Clone(n.conns)
		n.mu.Unlock()
		for _, c := range conns { // those that were dialed meanwhile are still open
			_ = c.Close()
		}
		n.endOrphans()
	})
	return n
}

// endOrphans resets the streams that were opened on connections as they were
// being closed. A real connection would refuse them; here nothing ends them.
func (n *mockNet) endOrphans() {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = slices.DeleteFunc(n.conns, func(c network.Conn) bool {
		if c.IsClosed() {
			for _, s := range c.GetStreams() {
				_ = s.Reset()
			}
		}
		return c.IsClosed()
	})
}

// host makes a host that is linked to all others, in place of an earlier one of
// that key.
func (n *mockNet) host(opts ...libp2p.Option) (host.Host, error) {
	var cfg libp2p.Config
	if err := cfg.Apply(opts...); err != nil {
		return nil, err
	}
	for _, unused := range []io.Closer{cfg.ResourceManager, cfg.ConnManager} { // libp2p.New would own them
		if unused != nil {
			_ = unused.Close()
		}
	}
	if id, err := peer.IDFromPrivateKey(cfg.PeerKey); err == nil {
		for _, p := range n.Peers() {
			_ = n.UnlinkPeers(id, p) // there was none, but for an earlier host
		}
	}
	number := n.hosts.Add(1)
	h, err := n.AddPeer(cfg.PeerKey, ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/tcp/4900", number>>8, number&0xff)))
	if err != nil {
		return nil, err
	}
	h.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.conns = append(n.conns, c)
	}})
	for _, p := range n.Peers() {
		if p != h.ID() {
			n.link(h.ID(), p)
		}
	}
	return h, nil
}

func (n *mockNet) link(a, b peer.ID) {
	if _, err := n.LinkPeers(a, b); err != nil {
		panic(err) // both are of this network
	}
}

// start runs a node on this network, with the members' addresses as its
// bootstrap peers, until the test ends.
func (n *mockNet) start(t *testing.T, cfg Config, bootstrap ...*member) *member {
	t.Helper()
	return start(t, n.config(cfg, bootstrap...))
}

func (n *mockNet) config(cfg Config, bootstrap ...*member) Config {
	cfg.NewHost = n.host
	for _, m := range bootstrap {
		cfg.Bootstrap = append(cfg.Bootstrap, m.Addrs()...)
	}
	return cfg
}

// chain runs cities each of which is told of the one before only, and waits
// until all are ready.
func (n *mockNet) chain(t *testing.T, configs ...Config) []*member {
	t.Helper()
	members := make([]*member, len(configs))
	for i, cfg := range configs {
		members[i] = n.start(t, cfg, members[max(0, i-1):i]...)
	}
	awaitReady(t, members...)
	return members
}

// quietChain is a chain of cities without ticks.
func (n *mockNet) quietChain(t *testing.T, names ...string) []*member {
	t.Helper()
	configs := make([]Config, len(names))
	for i, name := range names {
		configs[i] = quiet(name)
	}
	return n.chain(t, configs...)
}

// cut keeps some members from all other hosts.
func (n *mockNet) cut(members ...*member) {
	type pair struct{ a, b peer.ID }
	var cut []pair
	for _, m := range members {
		for _, p := range n.Peers() {
			apart := !slices.ContainsFunc(members, func(other *member) bool { return other.Peer() == p })
			if apart && len(n.LinksBetweenPeers(m.Peer(), p)) > 0 {
				_ = n.UnlinkPeers(m.Peer(), p) // there is a link
				cut = append(cut, pair{m.Peer(), p})
			}
		}
	}
	synctest.Wait() // for dials that have found a link already
	for _, p := range cut {
		_ = n.DisconnectPeers(p.a, p.b) // they may not have been connected
	}
	n.endOrphans()
}

// heal links those that were cut.
func (n *mockNet) heal() {
	all := n.Peers()
	for i, a := range all {
		for _, b := range all[:i] {
			if len(n.LinksBetweenPeers(a, b)) == 0 {
				n.link(a, b)
			}
		}
	}
}

// vanish ends a member's host as a power cut does: nobody is told goodbye.
func (n *mockNet) vanish(t *testing.T, m *member) {
	t.Helper()
	n.cut(m)
	m.leave(t)
}
