package nodetest

import (
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	libp2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// mockLatency is what a message takes from one host to another.
	mockLatency = time.Millisecond
	// mockSettle is enough for the goroutines of mocknet to end what they have begun.
	// In a bubble it passes only once every goroutine waits.
	mockSettle = 10 * mockLatency
	// settleRounds bounds how often a cleanup looks for what is still open.
	settleRounds = 100
)

// mockNet is a network whose streams are pipes.
type mockNet struct {
	mocknet.Mocknet
	t     testing.TB
	sides *sides

	mu     sync.Mutex           // guards the rest
	number uint                 // of the last host
	conns  []libp2pnetwork.Conn // all that there have been: a test's are few
}

func newMockNet(t testing.TB, s *sides) *mockNet {
	n := &mockNet{Mocknet: mocknet.New(), t: t, sides: s}
	n.SetLinkDefaults(mocknet.LinkOptions{Latency: mockLatency})
	t.Cleanup(n.close)
	return n
}

// close ends the network. Hosts that were dialed while they closed still have
// connections, so it looks until it finds nothing.
func (n *mockNet) close() {
	_ = n.Close() // always nil
	for range settleRounds {
		for _, c := range n.snapshot() {
			_ = c.Close() // always nil
		}
		if n.endOrphans() == 0 {
			return
		}
	}
	n.t.Errorf("nodetest: connections are left that do not end")
}

// newHost makes a host that is linked to all others of its side, in place of an
// earlier one of that key.
func (n *mockNet) newHost(opts ...libp2p.Option) (host.Host, error) {
	key, err := keyOf(opts)
	if err != nil {
		return nil, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	for _, p := range n.Peers() {
		_ = n.UnlinkPeers(id, p) // fails if there was no earlier host
	}
	h, err := n.AddPeer(key, n.nextAddr())
	if err != nil {
		return nil, err
	}
	h.Network().Notify(&libp2pnetwork.NotifyBundle{ConnectedF: func(_ libp2pnetwork.Network, c libp2pnetwork.Conn) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.conns = append(n.conns, c)
	}})
	n.separate()
	return h, nil
}

// keyOf returns the key that the options name, or a fresh one. It closes what
// libp2p.New would have owned.
func keyOf(opts []libp2p.Option) (crypto.PrivKey, error) {
	var cfg libp2p.Config
	if err := cfg.Apply(opts...); err != nil {
		return nil, err
	}
	for _, unused := range []io.Closer{cfg.ResourceManager, cfg.ConnManager} {
		if unused != nil {
			_ = unused.Close()
		}
	}
	if cfg.PeerKey != nil {
		return cfg.PeerKey, nil
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	return key, err
}

func (n *mockNet) nextAddr() ma.Multiaddr {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.number++
	return ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/tcp/4900", n.number>>8, n.number&0xff))
}

// separate links the hosts that are on one side, and takes apart those that are not. Links
// go before connections, or a peer could dial anew in between.
func (n *mockNet) separate() {
	type pair struct{ a, b peer.ID }
	var cut []pair
	all := n.Peers()
	for i, a := range all {
		for _, b := range all[:i] {
			linked, together := len(n.LinksBetweenPeers(a, b)) > 0, n.sides.side(a) == n.sides.side(b)
			switch {
			case together && !linked:
				_, _ = n.LinkPeers(a, b) // fails only for strangers to this network
			case !together && linked:
				_ = n.UnlinkPeers(a, b) // there is a link
				cut = append(cut, pair{a, b})
			}
		}
	}
	if len(cut) == 0 {
		return
	}
	<-time.After(mockSettle) // for dials that have found a link already
	for _, p := range cut {
		_ = n.DisconnectPeers(p.a, p.b) // they may not have been connected
	}
	n.endOrphans()
}

// endOrphans resets the streams that were opened on connections as these closed, and
// returns how many there were. A real connection refuses such streams; here nothing
// else ends them.
func (n *mockNet) endOrphans() (orphans int) {
	<-time.After(mockSettle)
	for _, c := range n.snapshot() {
		if c.IsClosed() {
			for _, s := range c.GetStreams() {
				_ = s.Reset()
				orphans++
			}
		}
	}
	return orphans
}

// snapshot returns all connections that there have been, each end for itself.
func (n *mockNet) snapshot() []libp2pnetwork.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.conns)
}
