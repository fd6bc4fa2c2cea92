package bootstrap

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"

	ma "github.com/multiformats/go-multiaddr"
)

// simNet is a network in virtual time, for use within a synctest bubble. It can
// be cut between two sides.
type simNet struct {
	*simnet.Simnet
	side [256]atomic.Int32 // of the host with this number
}

const simLatency = 5 * time.Millisecond

func newSimNet(t *testing.T) *simNet {
	t.Helper()
	n := &simNet{Simnet: &simnet.Simnet{LatencyFunc: simnet.StaticLatency(simLatency)}}
	n.Start()
	t.Cleanup(n.Close)
	return n
}

// host starts a QUIC host; number is the last byte of its address.
func (n *simNet) host(t *testing.T, number byte, options ...libp2p.Option) host.Host {
	t.Helper()
	options = append(options,
		libp2p.ListenAddrs(n.addr(number)),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableIdentifyAddressDiscovery(), // stalls a bubble
		n.quic(),
	)
	h, err := libp2p.New(append(HostOptions(), options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func (n *simNet) addr(number byte) ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/ip4/1.0.0.%d/udp/8000/quic-v1", number))
}

// cut puts hosts on the other side of a partition; heal ends all partitions.
func (n *simNet) cut(numbers ...byte) {
	for _, number := range numbers {
		n.side[number].Store(1)
	}
}

func (n *simNet) heal() {
	for i := range n.side {
		n.side[i].Store(0)
	}
}

func (n *simNet) quic() libp2p.Option {
	const bitsPerSecond = 20_000_000
	link := simnet.NodeBiDiLinkSettings{
		Downlink: simnet.LinkSettings{BitsPerSecond: bitsPerSecond},
		Uplink:   simnet.LinkSettings{BitsPerSecond: bitsPerSecond},
	}
	source := new(fixedSource)
	return libp2p.QUICReuse(
		func(l fx.Lifecycle, reset quic.StatelessResetKey, token quic.TokenGeneratorKey, options ...quicreuse.Option) (*quicreuse.ConnManager, error) {
			manager, err := quicreuse.NewConnManager(reset, token, options...)
			if err != nil {
				return nil, err
			}
			l.Append(fx.StopHook(manager.Close))
			return manager, nil
		},
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source, nil }),
		quicreuse.OverrideListenUDP(func(_ string, addr *net.UDPAddr) (net.PacketConn, error) {
			source.ip.Store(&addr.IP)
			return &cuttable{SimConn: n.NewEndpoint(addr, link), net: n, self: addr.IP}, nil
		}),
	)
}

// fixedSource says that all packets leave from the host's one address.
type fixedSource struct{ ip atomic.Pointer[net.IP] }

func (s *fixedSource) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return *s.ip.Load(), nil
}

// cuttable loses the packets to the other side.
type cuttable struct {
	*simnet.SimConn
	net  *simNet
	self net.IP
}

func (c *cuttable) WriteTo(b []byte, to net.Addr) (int, error) {
	if c.net.sideOf(c.self) != c.net.sideOf(to.(*net.UDPAddr).IP) {
		return len(b), nil
	}
	return c.SimConn.WriteTo(b, to)
}

func (n *simNet) sideOf(ip net.IP) int32 { return n.side[ip.To4()[3]].Load() }

func connected(a, b host.Host) bool {
	return a.Network().Connectedness(b.ID()) == network.Connected
}

// p2p gives a full address of h.
func p2p(t *testing.T, h host.Host) ma.Multiaddr {
	t.Helper()
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()[:1]})
	if err != nil {
		t.Fatal(err)
	}
	return addrs[0]
}
