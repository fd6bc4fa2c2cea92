package bootstrap

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// addrsToldMax bounds the addresses of one peer that are taken from the DHT. A host with a
// few networks has two for each, TCP and QUIC; a record may have hundreds, and each is
// dialed.
const addrsToldMax = 8

// addrsTold returns a filter of addresses that come and go by the DHT. Loopback addresses
// mean another host on every machine. Addresses of private networks are left out where any
// peer is connected over a public one: who told of them cannot be known, since each peer of
// a DHT passes on what others said, and a stranger must not have this node dial into the
// network that it stands in. The host's own addresses stay, so that they are advertised.
func addrsTold(h host.Host) func([]ma.Multiaddr) []ma.Multiaddr {
	return func(addrs []ma.Multiaddr) []ma.Multiaddr {
		addrs = withoutLoopback(addrs)
		if hasPublicPeer(h) {
			own := h.Addrs()
			addrs = slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
				return !manet.IsPublicAddr(a) && !ma.Contains(own, a)
			})
		}
		return addrs[:min(len(addrs), addrsToldMax)]
	}
}

// hasPublicPeer reports whether a peer is connected over a public address.
func hasPublicPeer(h host.Host) bool {
	return slices.ContainsFunc(h.Network().Conns(), func(c network.Conn) bool { return manet.IsPublicAddr(c.RemoteMultiaddr()) })
}
