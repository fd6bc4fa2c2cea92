//go:build linux

package hostile

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/quic-go/quic-go"
)

// handshakeHeld is for how long an attacker keeps the socket of a handshake that it has
// begun: as long as the other side waits for it, which is 5 s, and cannot be told less.
const handshakeHeld = 5 * time.Second

// silentHandshakes begins Number QUIC handshakes with each city at a time, and says nothing
// after the first packet of each.
var silentHandshakes = newAttack("silent handshakes", func(ctx context.Context, task attackTask, counts *tally) error {
	targets, err := task.targets()
	if err != nil {
		return err
	}
	var handshakes sync.WaitGroup
	for _, target := range targets {
		// The cities' first two addresses are at one port, over TCP and over QUIC.
		_, to, err := manet.DialArgs(target.Addrs[0])
		if err != nil {
			return err
		}
		city, err := net.ResolveUDPAddr("udp4", to)
		if err != nil {
			return err
		}
		for range task.Number {
			handshakes.Go(func() {
				for ctx.Err() == nil {
					if err := beginHandshake(ctx, task.From, city); err != nil {
						counts.add("sockets that failed")
						pause(ctx, reopenAfter)
						continue
					}
					counts.add("handshakes begun")
				}
			})
		}
	}
	handshakes.Wait()
	return nil
})

// beginHandshake begins one handshake, and holds its socket.
func beginHandshake(ctx context.Context, from string, city *net.UDPAddr) error {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(from)})
	if err != nil {
		return err
	}
	mute := &muteConn{PacketConn: socket, left: 1}
	transport := &quic.Transport{Conn: mute}
	defer socket.Close()
	defer transport.Close()
	ctx, cancel := context.WithTimeout(ctx, handshakeHeld)
	defer cancel()
	hello := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"libp2p"}, MinVersion: tls.VersionTLS13} //nolint:gosec // it never gets that far
	conn, err := transport.Dial(ctx, city, hello, &quic.Config{})
	if err == nil {
		_ = conn.CloseWithError(0, "")
	}
	return nil
}

// A muteConn sends a few packets, and hears nothing.
type muteConn struct {
	net.PacketConn
	mu   sync.Mutex // guards left
	left int
}

// WriteTo sends the packet, or drops it.
func (c *muteConn) WriteTo(packet []byte, to net.Addr) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		return len(packet), nil
	}
	c.left--
	return c.PacketConn.WriteTo(packet, to)
}

// ReadFrom drops what comes, until the socket is closed.
func (c *muteConn) ReadFrom(packet []byte) (int, net.Addr, error) {
	for {
		if _, from, err := c.PacketConn.ReadFrom(packet); err != nil {
			return 0, from, err
		}
	}
}

// overQUIC are options of a foreign host that dials over QUIC.
func overQUIC(from string) []libp2p.Option {
	return []libp2p.Option{libp2p.Transport(libp2pquic.NewTransport), libp2p.ListenAddrStrings("/ip4/" + from + "/udp/0/quic-v1")}
}

func TestSilentHandshakesKeepNobodyElseOut(t *testing.T) {
	c := newCluster(t, threeCities()...)
	const each = 20
	task := attackTask{Attack: silentHandshakes, From: privateNet + ".66.6", Number: 256, Shown: "handshakes begun"}
	r := c.endure(t, task, func(*assault) {
		gotham := c.cities[0]
		for from, addr := range map[string]ma.Multiaddr{
			privateNet + ".7": gotham.info.Addrs[1], privateNet + ".8": gotham.info.Addrs[0], loopback: gotham.info.Addrs[2],
		} {
			if in := newcomers(t, gotham, addr, from, each); in < each {
				t.Errorf("%d of %d newcomers from %s got in over %s", in, each, from, addr)
			}
		}
	})
	r.judge(t)
}
