package bootstrap

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

// loopbackHost listens on TCP and QUIC on loopback.
func loopbackHost(t *testing.T, options ...libp2p.Option) host.Host {
	t.Helper()
	options = append([]libp2p.Option{libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1")}, options...)
	h, err := libp2p.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// keyed makes a private network's host; only TCP works there.
func keyed(t *testing.T, key byte) host.Host {
	t.Helper()
	psk := make(pnet.PSK, 32)
	psk[0] = key
	return loopbackHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.PrivateNetwork(psk), libp2p.Transport(tcp.NewTCPTransport))
}

// reasonOf dials one address as the Redialer does.
func reasonOf(t *testing.T, from host.Host, id peer.ID, addrs ...ma.Multiaddr) (DialReason, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := connectAnew(ctx, from, peer.AddrInfo{ID: id, Addrs: addrs})
	if err == nil {
		t.Fatal("connected")
	}
	return ExplainDial(err, addrs)
}

func TestTheReasonOfAFailedDialIsToldInWords(t *testing.T) {
	a, b := loopbackHost(t), loopbackHost(t)
	refused := ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", closedPort(t)))
	for _, c := range []struct {
		fact   string
		from   host.Host
		addrs  []ma.Multiaddr
		reason DialReason
		words  string
	}{
		{"another peer, TCP", a, b.Addrs()[:1], WrongPeer, b.Addrs()[0].String() + ": another peer answers, " + b.ID().String()},
		{"another peer, QUIC", a, b.Addrs()[1:2], WrongPeer, "another peer answers, " + b.ID().String()},
		{"another peer tells more than nobody", a, []ma.Multiaddr{refused, b.Addrs()[0]}, WrongPeer, b.Addrs()[0].String()},
		{"nobody", a, []ma.Multiaddr{refused}, Refused, refused.String() + ": nothing listens there"},
		{"no transport", keyed(t, 1), b.Addrs()[1:2], NoTransport, "does not speak"},
		{"not allowed", loopbackHost(t, libp2p.ConnectionGater(closedGate{})), b.Addrs(), NotAllowed, "do not allow"},
		{"no answer", a, []ma.Multiaddr{silentAddr(t)}, TimedOut, "no answer"},
		{"no name", loopbackHost(t, libp2p.MultiaddrResolver(noNames{})), []ma.Multiaddr{ma.StringCast("/dns4/city.test/tcp/1")}, NameUnknown, "does not resolve"},
	} {
		reason, err := reasonOf(t, c.from, peerID(t), c.addrs...)
		if reason != c.reason || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %s: %v", c.fact, reason, err)
		}
	}
}

// TestAnotherNetworkKeyIsSuspected covers that a stream in another cipher is read
// as anything: as garbage, as its end, or as the begin of what never comes.
func TestAnotherNetworkKeyIsSuspected(t *testing.T) {
	a := keyed(t, 1)
	for what, b := range map[string]host.Host{"another key": keyed(t, 2), "no key": loopbackHost(t)} {
		for range 8 {
			reason, err := reasonOf(t, a, b.ID(), b.Addrs()[0])
			if reason != WrongKey && reason != Rejected && reason != TimedOut || !strings.Contains(err.Error(), "network key") {
				t.Errorf("%s: %s: %v", what, reason, err)
			}
		}
	}
}

// The certificates of libp2p begin an hour before their host does.
func TestACertificateOfTheFutureIsToldAsAWrongClock(t *testing.T) {
	for _, later := range []error{
		fmt.Errorf("certificate verification failed: %s", x509.CertificateInvalidError{Reason: x509.Expired}),
		errors.New("failed to negotiate stream multiplexer: remote error: tls: bad certificate"),
	} {
		if reason, err := ExplainDial(later, nil); reason != WrongClock || !strings.Contains(err.Error(), "more than an hour apart") {
			t.Errorf("got %s, %v", reason, err)
		}
	}
}

func TestAnUnknownErrorIsPassedOn(t *testing.T) {
	odd := errors.New("odd")
	if reason, err := ExplainDial(fmt.Errorf("dial: %w", odd), nil); reason != Failed || !errors.Is(err, odd) {
		t.Errorf("got %s, %v", reason, err)
	}
}

// closedPort returns a TCP port at which nothing listens.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// silentAddr returns a QUIC address at which nobody answers.
func silentAddr(t *testing.T) ma.Multiaddr {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", c.LocalAddr().(*net.UDPAddr).Port))
}

// closedGate allows nobody.
type closedGate struct{}

func (closedGate) InterceptPeerDial(peer.ID) bool               { return false }
func (closedGate) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return false }
func (closedGate) InterceptAccept(network.ConnMultiaddrs) bool  { return false }
func (closedGate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return false
}

func (closedGate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return false, 0 }

// noNames resolves nothing.
type noNames struct{}

func (noNames) ResolveDNSAddr(context.Context, peer.ID, ma.Multiaddr, int, int) ([]ma.Multiaddr, error) {
	return nil, errors.New("no such host")
}

func (noNames) ResolveDNSComponent(context.Context, ma.Multiaddr, int) ([]ma.Multiaddr, error) {
	return nil, errors.New("no such host")
}
