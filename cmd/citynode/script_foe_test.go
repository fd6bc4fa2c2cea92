//go:build unix

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/citynode/citynode/protocol"
)

// somePeer is a peer ID that nobody has.
const somePeer = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"

// foeCommand starts somebody that a command may meet by mistake:
//
//	port            a program that holds a TCP port; the address has no peer
//	tcp-silent      a TCP server that says nothing
//	tcp-garbage     a TCP server that says what nobody understands
//	host-plain      a libp2p host that is no city
//	host-silent     a city that takes calls and never answers
//	host-garbage    a city that answers calls with what is none
//	host-closing    a city that ends every call
//	host-ahead      a city whose clock is two hours ahead
//	host-behind     a city whose clock is two hours behind
func foeCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: foe KIND VAR")
	}
	addr, end := startFoe(ts, args[0])
	s := scriptOf(ts)
	s.foes = append(s.foes, end)
	ts.Setenv(args[1], addr)
}

func startFoe(ts *testscript.TestScript, kind string) (addr string, end func()) {
	switch kind {
	case "port", "tcp-silent":
		return startServer(ts, kind, func(net.Conn) {})
	case "tcp-garbage":
		return startServer(ts, kind, func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.0 418 I'm a teapot\r\n\r\n%1000s", "") })
	case "host-plain":
		return startHost(ts, nil)
	case "host-silent":
		return startHost(ts, func(network.Stream) {})
	case "host-garbage":
		return startHost(ts, func(s network.Stream) { fmt.Fprintf(s, "\x05hello%1000s", "") })
	case "host-ahead":
		return startHost(ts, nil, wrongClock(2*time.Hour))
	case "host-behind":
		return startHost(ts, nil, wrongClock(-2*time.Hour))
	case "host-closing":
		return startHost(ts, func(s network.Stream) { _ = s.Reset() })
	}
	ts.Fatalf("no foe %s", kind)
	return "", nil
}

func startServer(ts *testscript.TestScript, kind string, serve func(net.Conn)) (addr string, end func()) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	go func() { // ends when l is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			time.AfterFunc(runDeadline, func() { _ = c.Close() })
		}
	}()
	addr = fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port)
	if kind != "port" {
		addr += "/p2p/" + somePeer
	}
	return addr, func() { _ = l.Close() }
}

func startHost(ts *testscript.TestScript, serve network.StreamHandler, options ...libp2p.Option) (addr string, end func()) {
	var h host.Host
	options = append(options, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	h, err := libp2p.New(options...)
	ts.Check(err)
	if serve != nil {
		h.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), serve)
	}
	return fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID()), func() { _ = h.Close() }
}

// wrongClock gives a host the handshakes of one whose clock is so far ahead.
func wrongClock(ahead time.Duration) libp2p.Option {
	return libp2p.Security(libp2ptls.ID, func(_ libp2pprotocol.ID, key crypto.PrivKey) (*handshaker, error) {
		certificate := &x509.Certificate{
			SerialNumber: big.NewInt(1),
			NotBefore:    time.Now().Add(ahead - time.Hour), // as libp2p has it
			NotAfter:     time.Now().Add(ahead + 24*time.Hour),
		}
		identity, err := libp2ptls.NewIdentity(key, libp2ptls.WithCertTemplate(certificate))
		return &handshaker{identity: identity, ahead: ahead}, err
	})
}

// handshaker answers handshakes, each of which one of the two sides fails.
type handshaker struct {
	identity *libp2ptls.Identity
	ahead    time.Duration
}

func (h *handshaker) ID() libp2pprotocol.ID { return libp2ptls.ID }

func (h *handshaker) SecureInbound(ctx context.Context, conn net.Conn, _ peer.ID) (sec.SecureConn, error) {
	config, _ := h.identity.ConfigForPeer("")
	config.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
		certificate, err := x509.ParseCertificate(raw[0])
		if err == nil && time.Now().Add(h.ahead).Before(certificate.NotBefore) {
			err = errors.New("certificate is not yet valid")
		}
		return err
	}
	err := tls.Server(conn, config).HandshakeContext(ctx)
	return nil, cmp.Or(err, errors.New("nobody has noticed the clock"))
}

func (h *handshaker) SecureOutbound(context.Context, net.Conn, peer.ID) (sec.SecureConn, error) {
	return nil, errors.New("it dials nobody")
}
