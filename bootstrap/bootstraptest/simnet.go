package bootstraptest

import (
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"
)

const (
	// Latency is what a packet takes from one host to another, unless SetLatency says
	// otherwise.
	Latency = 5 * time.Millisecond

	bitsPerSecond = 20_000_000
	// headBytes are those of a packet before QUIC's: IPv4 and UDP.
	headBytes = 28
)

// SimNet is the network. A host's number is the last byte of its IPv4 address,
// of which it has one.
type SimNet struct {
	net     *simnet.Simnet
	side    [256]atomic.Int32 // of the host with this number
	sent    [256]atomic.Int64 // bytes
	latency atomic.Int64      // nanoseconds
	loss    atomic.Int64      // packets in a million
}

// NewSimNet returns a network that is closed when the test ends.
func NewSimNet(t testing.TB) *SimNet {
	t.Helper()
	n := new(SimNet)
	n.SetLatency(Latency)
	n.net = &simnet.Simnet{LatencyFunc: func(*simnet.Packet) time.Duration { return time.Duration(n.latency.Load()) }}
	n.net.Start()
	t.Cleanup(n.net.Close)
	return n
}

// Cut puts hosts on the other side of a partition.
func (n *SimNet) Cut(numbers ...byte) { n.Put(1, numbers...) }

// Put puts hosts on a side; only those of one side reach each other. All are on
// side 0 at first.
func (n *SimNet) Put(side int32, numbers ...byte) {
	for _, number := range numbers {
		n.side[number].Store(side)
	}
}

// Heal ends all partitions.
func (n *SimNet) Heal() {
	for i := range n.side {
		n.side[i].Store(0)
	}
}

// SetLatency sets what a packet takes from one host to another from now on.
func (n *SimNet) SetLatency(d time.Duration) { n.latency.Store(int64(d)) }

// SetLoss has that share of all packets lost from now on, at random.
func (n *SimNet) SetLoss(share float64) { n.loss.Store(int64(share * 1e6)) }

// Sent returns how many bytes the host with that number has sent so far, heads included.
func (n *SimNet) Sent(number byte) int64 { return n.sent[number].Load() }

// Host returns the options of a host on this network, which must listen at a
// QUIC address.
func (n *SimNet) Host() libp2p.Option {
	return libp2p.ChainOptions(
		libp2p.DisableIdentifyAddressDiscovery(), // stalls a bubble
		n.quic(),
	)
}

func (n *SimNet) quic() libp2p.Option {
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
			return &cuttable{SimConn: n.net.NewEndpoint(addr, link), net: n, self: addr.IP}, nil
		}),
	)
}

// fixedSource says that all packets leave from the host's one address.
type fixedSource struct{ ip atomic.Pointer[net.IP] }

// PreferredSourceIPForDestination returns that address.
func (s *fixedSource) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return *s.ip.Load(), nil
}

// cuttable loses the packets to the other side.
type cuttable struct {
	*simnet.SimConn
	net  *SimNet
	self net.IP
}

// WriteTo sends a packet, or loses it.
func (c *cuttable) WriteTo(b []byte, to net.Addr) (int, error) {
	c.net.sent[c.self.To4()[3]].Add(int64(len(b) + headBytes))
	if c.net.sideOf(c.self) != c.net.sideOf(to.(*net.UDPAddr).IP) || rand.Int64N(1e6) < c.net.loss.Load() {
		return len(b), nil
	}
	return c.SimConn.WriteTo(b, to)
}

func (n *SimNet) sideOf(ip net.IP) int32 { return n.side[ip.To4()[3]].Load() }
