package bootstrap

import (
	"context"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
)

// FindAddrs gives the host addresses to dial a peer at, from the DHT, if the peer is
// not connected and the host has none. Where there are none to be found, the dial
// that follows fails and says so.
func (n *Names) FindAddrs(ctx context.Context, p peer.ID) {
	if n.host.Network().Connectedness(p) == network.Connected || len(n.host.Peerstore().Addrs(p)) > 0 {
		return
	}
	if found, err := n.FindPeer(ctx, p); err == nil {
		n.host.Peerstore().AddAddrs(p, found.Addrs, peerstore.TempAddrTTL)
	}
}
