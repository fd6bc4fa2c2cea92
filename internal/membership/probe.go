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
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/citynode/citynode/internal/wake"
)

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
