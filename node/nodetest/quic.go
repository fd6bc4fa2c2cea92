package nodetest

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap/bootstraptest"
)

// quicNet is a network of QUIC hosts. A host's number is the last byte of its address.
type quicNet struct {
	net   *bootstraptest.SimNet
	sides *sides

	mu    sync.Mutex // guards hosts
	hosts []peer.ID  // the host with number i+1
}

func newQUICNet(t testing.TB, s *sides) *quicNet {
	return &quicNet{net: bootstraptest.NewSimNet(t), sides: s}
}

// newHost makes a host with an address of its own.
func (n *quicNet) newHost(opts ...libp2p.Option) (host.Host, error) {
	number, err := n.reserve()
	if err != nil {
		return nil, err
	}
	addr := ma.StringCast(fmt.Sprintf("/ip4/10.0.0.%d/udp/4900/quic-v1", number))
	listen := func(cfg *libp2p.Config) error { // in place of the addresses in opts
		cfg.ListenAddrs = []ma.Multiaddr{addr}
		return nil
	}
	h, err := libp2p.New(append(opts, listen, n.net.Host())...)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.hosts[number-1] = h.ID()
	n.mu.Unlock()
	n.separate()
	return h, nil
}

// reserve returns the number of the next host. Its place stays empty until the host is
// made, which takes its time, and for good if that fails: a number is never used twice.
func (n *quicNet) reserve() (byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.hosts) == math.MaxUint8 {
		return 0, errors.New("a simulated network has at most 255 hosts")
	}
	n.hosts = append(n.hosts, "")
	return byte(len(n.hosts)), nil
}

// separate puts each host on its side. Side 0 is that of all who were not cut off, so a
// place that is still empty is on it.
func (n *quicNet) separate() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, id := range n.hosts {
		n.net.Put(n.sides.side(id), byte(i+1))
	}
}
