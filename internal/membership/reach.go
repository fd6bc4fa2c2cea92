package membership

import (
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/citynode/citynode/internal/wake"
)

const (
	// ownDialTimeout bounds a dial by which a city proves that it lives, handshake
	// included: four round trips of the worst of networks.
	ownDialTimeout = 2500 * time.Millisecond
	// ownDialAddrsMax is how many addresses are tried, all at once.
	ownDialAddrsMax = 3
)

// connect connects to a peer as if no dial had failed before. A connection proves who the
// peer is.
func (d *detector) connect(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, ownDialTimeout)
	defer cancel()
	if s, ok := d.host.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(p)
	}
	if addr, ok := d.addrs.Get(p); ok {
		d.host.Peerstore().AddAddr(p, addr, peerstore.TempAddrTTL)
	}
	return d.host.Connect(ctx, peer.AddrInfo{ID: p})
}

// knock has a peer prove, on a connection made now, who it is. The connection is made beside
// those of the host, which would take an old one for the answer or wait with a dial that is
// under way, and is closed at once.
func (d *detector) knock(ctx context.Context, p peer.ID) bool {
	dialer, ok := d.host.Network().(interface {
		TransportForDialing(ma.Multiaddr) transport.Transport
	})
	if !ok { // a simulated network, whose dials take no time
		return !d.connected(p) && d.connect(ctx, p) == nil
	}
	ctx, cancel := context.WithTimeout(ctx, ownDialTimeout)
	defer cancel()
	return d.dialAny(ctx, p, dialer.TransportForDialing)
}

// renew replaces the connections to a peer that lives and is silent on them.
func (d *detector) renew(ctx context.Context, p peer.ID) {
	d.log.Info("connections are dead while the city lives, closing them", "peer", p)
	_ = d.host.Network().ClosePeer(p) // whatever that says, they are of no use
	if err := d.connect(ctx, p); err != nil {
		d.log.Debug("city not connected anew", "peer", p, "err", err)
	}
}

// dialAny dials the peer's addresses at once, and reports whether it answered at any.
func (d *detector) dialAny(ctx context.Context, p peer.ID, transportFor func(ma.Multiaddr) transport.Transport) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addrs := d.addrsOf(p)
	ended := make(chan error, len(addrs)) // has room for all, so that none waits
	for _, addr := range addrs {
		go func() { ended <- dialOnce(ctx, transportFor(addr), addr, p) }()
	}
	alive := false
	for range addrs {
		if err := <-ended; err == nil {
			alive = true
			cancel()
		}
	}
	return alive
}

func dialOnce(ctx context.Context, over transport.Transport, addr ma.Multiaddr, p peer.ID) error {
	if over == nil {
		return network.ErrNoConn
	}
	conn, err := over.Dial(ctx, addr, p)
	if err != nil {
		return err
	}
	return conn.Close()
}

// addrsOf returns where a peer may be dialed: at the address of its last connection, or at a
// few that it said it has where that is not known. One is enough where it was right before,
// and a dial of a peer that is gone costs 10 KB over QUIC.
func (d *detector) addrsOf(p peer.ID) []ma.Multiaddr {
	if last, ok := d.addrs.Get(p); ok {
		return []ma.Multiaddr{last}
	}
	addrs := d.host.Peerstore().Addrs(p)
	return addrs[:min(len(addrs), ownDialAddrsMax)]
}

const (
	// probePause is between the two tries of a probe. A refusal by UDP can be forged by
	// who knows the ports; two in a row, after a question without an answer, take luck.
	probePause = 100 * time.Millisecond
	// probeTimeout bounds one try.
	probeTimeout = 250 * time.Millisecond
	// wsaConnRefused is ECONNREFUSED of Windows, which package syscall has no name for.
	wsaConnRefused = syscall.Errno(10061)
)

// probe reports whether the address of the peer's last connection refuses connections
// twice in a row. It says nothing of the peer if the address is not known.
func (d *detector) probe(ctx context.Context, p peer.ID) bool {
	addr, ok := d.addrs.Get(p)
	if !ok || d.refuses == nil || !d.refuses(ctx, addr) {
		return false
	}
	return wake.Sleep(ctx, probePause) == nil && d.refuses(ctx, addr)
}

// Refuses reports whether a kernel answers, at an address over TCP or UDP, that no process
// listens there. It tries a TCP connection, which it closes, or sends one byte over UDP,
// which QUIC drops. It takes 250 ms at most.
func Refuses(ctx context.Context, addr ma.Multiaddr) bool {
	kind, where, err := manet.DialArgs(transportOf(addr))
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, kind, where)
	if err != nil {
		return isRefusal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was sent that matters
	if _, udp := conn.(*net.UDPConn); !udp {
		return false
	}
	return refusesUDP(ctx, conn)
}

// refusesUDP sends a byte on a connected socket: an ICMP message that the port is not
// reachable comes back as an error of the read.
func refusesUDP(ctx context.Context, conn net.Conn) bool {
	by, _ := ctx.Deadline()
	_ = conn.SetDeadline(by) // fails only for a socket that is closed
	if _, err := conn.Write([]byte{0}); err != nil {
		return isRefusal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	return isRefusal(err)
}

func isRefusal(err error) bool {
	if runtime.GOOS == "windows" {
		return errors.Is(err, wsaConnRefused)
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// transportOf returns the first two parts of an address, an IP address and a port. What
// comes after it is inside.
func transportOf(addr ma.Multiaddr) ma.Multiaddr { return addr[:min(2, len(addr))] }

// note remembers where an identified peer was dialed, or dialed from, if that is where it
// listens: at the port that a connection came from nobody else may listen.
func (d *detector) note(e event.EvtPeerIdentificationCompleted) {
	if e.Conn == nil {
		return
	}
	addr := e.Conn.RemoteMultiaddr()
	listens := func(other ma.Multiaddr) bool { return other.Equal(addr) }
	if e.Conn.Stat().Direction == network.DirOutbound || slices.ContainsFunc(e.ListenAddrs, listens) {
		d.addrs.Add(e.Peer, addr)
	}
}
