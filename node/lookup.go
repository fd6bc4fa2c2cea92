package node

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// Lookup finds the city of that name and where it can be dialed: in the
// directory first, then in the DHT. What they say is a hint; the peer that is
// returned has just said itself that it is that city on this network. The error
// matches protocol.ErrNotFound if there is none, and protocol.ErrUnavailable if
// one is known, or may be, and does not answer now.
func (n *Node) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	return n.lookupFor(ctx, n.host.ID(), name)
}

// lookupFor is Lookup for a peer that asks. That peer is not the answer, since who
// asks for its own name looks for another holder of it.
func (n *Node) lookupFor(ctx context.Context, asker peer.ID, name string) (peer.AddrInfo, error) {
	if name == n.cfg.City.Name {
		return peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}, nil
	}
	return n.lookupOther(ctx, asker, name)
}

// lookupOther is lookupFor of a city that is not this one, though it may claim the
// same name.
func (n *Node) lookupOther(ctx context.Context, asker peer.ID, name string) (peer.AddrInfo, error) {
	if err := crdt.ValidateCityName(name); err != nil {
		return peer.AddrInfo{}, protocol.Errorf(protocol.BadRequest, "city: %w", err)
	}
	return n.search(ctx, asker, name)
}

// claimOf asks a peer whether it is the city of that name, and since when.
func (n *Node) claimOf(ctx context.Context, p peer.ID, name string) (claim, error) {
	info, err := n.identify(ctx, p)
	if err != nil {
		return claim{}, err
	}
	if info.City != name {
		return claim{}, fmt.Errorf("peer %s is city %s: %w", p, info.City, bootstrap.ErrOtherCity)
	}
	return claim{holder: n.addrInfo(p), since: info.Since}, nil
}

// addrInfo is where a peer, which this node has just talked to, can be dialed.
func (n *Node) addrInfo(p peer.ID) peer.AddrInfo {
	info := n.host.Peerstore().PeerInfo(p)
	for _, conn := range n.host.Network().ConnsToPeer(p) {
		if len(info.Addrs) == 0 {
			info.Addrs = append(info.Addrs, conn.RemoteMultiaddr())
		}
	}
	return info
}

// Call looks a city up and makes calls on a stream to it that is theirs alone
// until do returns, so that one of them may be a watch or a settle. The requests
// name the city, so that nobody else executes them. Nothing is tried again.
func (n *Node) Call(ctx context.Context, name string, do func(*protocol.Client) error) error {
	found, err := n.Lookup(ctx, name)
	if err != nil {
		return err
	}
	if found.ID == n.host.ID() {
		return fmt.Errorf("call city %s: this node cannot dial itself", name)
	}
	n.host.Peerstore().AddAddrs(found.ID, found.Addrs, peerstore.TempAddrTTL)
	client, _, err := n.clients.borrow(ctx, found.ID)
	if err != nil {
		return err
	}
	err = do(client.City(name))
	n.clients.giveBack(found.ID, client, ctx.Err() != nil)
	return err
}
