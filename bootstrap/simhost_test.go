package bootstrap

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap/bootstraptest"
)

// simNet is a network in virtual time whose hosts are told their numbers.
type simNet struct{ *bootstraptest.SimNet }

func newSimNet(t *testing.T) simNet {
	t.Helper()
	return simNet{bootstraptest.NewSimNet(t)}
}

// host starts a QUIC host; number is the last byte of its address.
func (n simNet) host(t *testing.T, number byte, options ...libp2p.Option) host.Host {
	t.Helper()
	options = append(options,
		libp2p.ListenAddrs(n.addr(number)),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		n.Host(),
	)
	h, err := libp2p.New(append(HostOptions(), options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func (n simNet) addr(number byte) ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/ip4/1.0.0.%d/udp/8000/quic-v1", number))
}

func connected(a, b host.Host) bool {
	return a.Network().Connectedness(b.ID()) == network.Connected
}

// p2p returns a full address of h.
func p2p(t *testing.T, h host.Host) ma.Multiaddr {
	t.Helper()
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()[:1]})
	if err != nil {
		t.Fatal(err)
	}
	return addrs[0]
}
