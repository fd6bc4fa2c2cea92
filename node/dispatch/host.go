package dispatch

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/citynode/citynode/bootstrap"
)

// newHost returns a host that only dials: it listens nowhere, announces nothing,
// and is limited by the one program that uses it.
func newHost(c Config) (host.Host, error) {
	key := c.Identity
	if key == nil {
		var err error
		if key, _, err = crypto.GenerateEd25519Key(rand.Reader); err != nil {
			return nil, fmt.Errorf("make an identity: %w", err)
		}
	}
	options := append(bootstrap.HostOptions(),
		libp2p.Identity(key),
		libp2p.NoListenAddrs,
		libp2p.UserAgent(c.Software),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableMetrics(),
		// Nobody dials this host, so at which address others see it does not matter.
		libp2p.DisableIdentifyAddressDiscovery(),
	)
	h, err := c.NewHost(options...)
	if err != nil {
		return nil, fmt.Errorf("start the dispatcher's host: %w", err)
	}
	return h, nil
}

// dial connects to a peer, whatever went wrong with the peer a moment ago: the swarm
// would refuse to try again for a while, and somebody waits for this call.
func (d *Dispatcher) dial(ctx context.Context, info peer.AddrInfo) error {
	if s, ok := d.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, d.config.DialTimeout)
	defer cancel()
	return explainDial(d.host.Connect(ctx, info), info.Addrs)
}
