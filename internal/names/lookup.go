package names

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// Lookup finds the city of a name and where it can be dialed, for the peer asker. The
// peer that is returned has just said itself that it is that city. A city that asks for
// its own name is told where this node would dial it, from memory: another process with
// its key may be there. The error matches
// protocol.ErrNotFound if there is no such city, protocol.ErrUnavailable if one is
// known, or may be, and does not answer now, and protocol.ErrBadRequest if the name
// is none.
func (n *Names) Lookup(ctx context.Context, asker peer.ID, name string) (peer.AddrInfo, error) {
	if name == n.cfg.City {
		return peer.AddrInfo{ID: n.cfg.Host.ID(), Addrs: n.cfg.Host.Addrs()}, nil
	}
	if e, known := n.cfg.Directory.Get(asker); known && e.Presence.City == name {
		return n.whereabouts(asker), nil
	}
	return n.lookupOther(ctx, asker, name)
}

// whereaboutsMax bounds the addresses that a city is told of itself.
const whereaboutsMax = 16

// whereabouts returns where a peer is connected from, and where it says that it listens.
// Two processes with one key have a connection each.
func (n *Names) whereabouts(p peer.ID) peer.AddrInfo {
	var addrs []ma.Multiaddr
	add := func(addr ma.Multiaddr) {
		if len(addrs) < whereaboutsMax && !slices.ContainsFunc(addrs, addr.Equal) {
			addrs = append(addrs, addr)
		}
	}
	for _, c := range n.cfg.Host.Network().ConnsToPeer(p) {
		add(c.RemoteMultiaddr())
	}
	for _, addr := range n.cfg.Host.Peerstore().Addrs(p) {
		add(addr)
	}
	return peer.AddrInfo{ID: p, Addrs: addrs}
}

// lookupOther does what Lookup does, for a city that is not this one, though it may
// claim the same name.
func (n *Names) lookupOther(ctx context.Context, asker peer.ID, name string) (peer.AddrInfo, error) {
	if err := crdt.ValidateCityName(name); err != nil {
		return peer.AddrInfo{}, protocol.Errorf(protocol.BadRequest, "city: %w", err)
	}
	return n.search(ctx, asker, name)
}
