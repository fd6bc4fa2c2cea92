package node

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/protocol"
)

// Lookup finds the city of that name and where it can be dialed: in the
// directory first, then in the DHT. What they say is a hint; the peer that is
// returned has just said itself that it is that city on this network. The error
// matches protocol.ErrNotFound if there is none, and protocol.ErrUnavailable if
// one is known, or may be, and does not answer now.
func (n *Node) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	return n.names.Lookup(ctx, n.host.ID(), name)
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
	return n.clients.Call(ctx, found.ID, func(client *protocol.Client) error { return do(client.City(name)) })
}
