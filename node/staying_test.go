package node

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/city"
)

// The address is one of those for documentation (RFC 5737), and the dial is refused before
// any packet.
func TestANodeThatIsNotOpenStaysOnItsMachine(t *testing.T) {
	n, err := New(Config{City: city.Config{Name: "gotham"}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, addr := range n.host.Network().ListenAddresses() {
		if !manet.IsIPLoopback(addr) {
			t.Errorf("it listens on %v", addr)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	begin := time.Now()
	away := []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/4001"), ma.StringCast("/ip4/192.0.2.1/udp/4001/quic-v1")}
	other, err := peer.Decode("12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN")
	if err != nil {
		t.Fatal(err)
	}
	err = n.host.Connect(ctx, peer.AddrInfo{ID: other, Addrs: away})
	if reason, _ := bootstrap.ExplainDial(err, away); reason != bootstrap.NotAllowed {
		t.Errorf("after %v the dial ended with %v", time.Since(begin), err)
	}
}

func TestWhatANodeListensOnDecidesWhetherItStays(t *testing.T) {
	loopback, all := ma.StringCast("/ip4/127.0.0.1/tcp/4001"), ma.StringCast("/ip4/0.0.0.0/tcp/4001")
	for _, tc := range []struct {
		config Config
		stays  bool
	}{
		{Config{}, true},
		{Config{Open: true}, false},
		{Config{Listen: []ma.Multiaddr{loopback}}, true},
		{Config{Listen: []ma.Multiaddr{loopback, all}}, false},
		{Config{Open: true, Listen: []ma.Multiaddr{loopback}}, false},
	} {
		if got := tc.config.staysHere(); got != tc.stays {
			t.Errorf("open %v, on %v: stays %v, want %v", tc.config.Open, tc.config.Listen, got, tc.stays)
		}
	}
}
