package membership

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap/bootstraptest"
)

// newHost returns a QUIC host in virtual time with that number on the network.
func newHost(t *testing.T, net *bootstraptest.SimNet, number byte) host.Host {
	t.Helper()
	addr := ma.StringCast(fmt.Sprintf("/ip4/10.0.0.%d/udp/4900/quic-v1", number))
	h, err := libp2p.New(libp2p.ListenAddrs(addr), libp2p.DisableRelay(), libp2p.ResourceManager(&network.NullResourceManager{}), net.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func TestConnectionsThatAllAnswerOrAllAreSilentStay(t *testing.T) {
	for fact, cut := range map[string]bool{"all answer": false, "all are silent": true} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := bootstraptest.NewSimNet(t)
				gotham, other := newHost(t, net, 1), newHost(t, net, 2)
				if err := other.Connect(t.Context(), peer.AddrInfo{ID: gotham.ID(), Addrs: gotham.Addrs()}); err != nil {
					t.Fatal(err)
				}
				conns := other.Network().ConnsToPeer(gotham.ID())
				conns = append(conns, conns[0]) // two ways to it, as far as can be told
				if cut {
					net.Cut(2)
				}
				if quiet := silent(t.Context(), conns); len(quiet) != 0 {
					t.Errorf("silent are %v", quiet)
				}
			})
		})
	}
}
