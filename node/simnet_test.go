package node

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap/bootstraptest"
)

// simNet is a network of QUIC hosts in virtual time, for use within a synctest
// bubble.
type simNet struct {
	*bootstraptest.SimNet
	hosts atomic.Uint32
}

func newSimNet(t *testing.T) *simNet {
	t.Helper()
	return &simNet{SimNet: bootstraptest.NewSimNet(t)}
}

// host makes a host with its own address. Its number is the last byte of it.
func (n *simNet) host(opts ...libp2p.Option) (host.Host, error) {
	addr := ma.StringCast(fmt.Sprintf("/ip4/10.0.0.%d/udp/4900/quic-v1", n.hosts.Add(1)))
	return libp2p.New(append(opts,
		func(cfg *libp2p.Config) error {
			cfg.ListenAddrs = []ma.Multiaddr{addr}
			return nil
		},
		n.Host(),
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

// cut puts hosts on the other side of a partition.
func (n *simNet) cut(hosts ...host.Host) {
	for _, h := range hosts {
		n.Cut(numberOf(h))
	}
}

func (n *simNet) heal() { n.Heal() }

func numberOf(h host.Host) byte {
	ip, err := h.Addrs()[0].ValueForProtocol(ma.P_IP4)
	if err != nil {
		panic(err) // every host of this network has one
	}
	return net.ParseIP(ip).To4()[3]
}
