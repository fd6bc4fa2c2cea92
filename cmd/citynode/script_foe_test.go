//go:build unix

package main

import (
	"fmt"
	"net"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
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

func startHost(ts *testscript.TestScript, serve network.StreamHandler) (addr string, end func()) {
	var h host.Host
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	ts.Check(err)
	if serve != nil {
		h.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), serve)
	}
	return fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID()), func() { _ = h.Close() }
}
