package node

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"
)

// simNet is a network of QUIC hosts in virtual time, for use within a synctest
// bubble. It can be cut between two sides.
type simNet struct {
	*simnet.Simnet
	hosts atomic.Uint32
	side  [256]atomic.Int32 // of the host with this number
}

const (
	simLatency       = 5 * time.Millisecond
	simBitsPerSecond = 20_000_000
)

func newSimNet(t *testing.T) *simNet {
	t.Helper()
	n := &simNet{Simnet: &simnet.Simnet{LatencyFunc: simnet.StaticLatency(simLatency)}}
	n.Start()
	t.Cleanup(n.Close)
	return n
}

// host makes a host with its own address. Its number is the last byte of it.
func (n *simNet) host(opts ...libp2p.Option) (host.Host, error) {
	addr := ma.StringCast(fmt.Sprintf("/ip4/10.0.0.%d/udp/4900/quic-v1", n.hosts.Add(1)))
	return libp2p.New(append(opts,
		func(cfg *libp2p.Config) error {
			cfg.ListenAddrs = []ma.Multiaddr{addr}
			return nil
		},
		libp2p.DisableIdentifyAddressDiscovery(), // stalls a bubble
		n.quic(),
	)...)
}

// start runs a node on this network, with the members' addresses as its
// bootstrap peers, until the test ends.
func (n *simNet) start(t *testing.T, cfg Config, bootstrap ...*member) *member {
	t.Helper()
	cfg.NewHost = n.host
	for _, m := range bootstrap {
		cfg.Bootstrap = append(cfg.Bootstrap, m.Addrs()...)
	}
	return start(t, cfg)
}

// cut puts hosts on the other side of a partition; heal ends all partitions.
func (n *simNet) cut(hosts ...host.Host) {
	for _, h := range hosts {
		n.side[numberOf(h)].Store(1)
	}
}

func (n *simNet) heal() {
	for i := range n.side {
		n.side[i].Store(0)
	}
}

func numberOf(h host.Host) byte {
	ip, err := h.Addrs()[0].ValueForProtocol(ma.P_IP4)
	if err != nil {
		panic(err) // every host of this network has one
	}
	return net.ParseIP(ip).To4()[3]
}

func (n *simNet) quic() libp2p.Option {
	link := simnet.NodeBiDiLinkSettings{
		Downlink: simnet.LinkSettings{BitsPerSecond: simBitsPerSecond},
		Uplink:   simnet.LinkSettings{BitsPerSecond: simBitsPerSecond},
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
