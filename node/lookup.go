package node

import (
	"context"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// candidatesMax bounds the peers of the directory that are asked for a name.
const candidatesMax = 8

// Lookup finds the city of that name and where it can be dialed: in the
// directory first, then in the DHT. What they say is a hint; the peer that is
// returned has just said itself that it is that city on this network. The error
// matches protocol.ErrNotFound if there is none.
func (n *Node) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	if name == n.cfg.City.Name {
		return peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}, nil
	}
	return n.lookupOther(ctx, name)
}

// lookupOther is Lookup of a city that is not this one, though it may claim the
// same name.
func (n *Node) lookupOther(ctx context.Context, name string) (peer.AddrInfo, error) {
	if err := crdt.ValidateCityName(name); err != nil {
		return peer.AddrInfo{}, protocol.Errorf(protocol.BadRequest, "city: %w", err)
	}
	if p, ok := n.askNamed(ctx, name); ok {
		return n.addrInfo(p), nil
	}
	var panics relay
	found, err := n.names.Lookup(ctx, name, func(ctx context.Context, candidate peer.AddrInfo) error {
		return panics.guard(func() error { return n.verify(ctx, candidate.ID, name) })
	})
	panics.rethrow()
	if err != nil {
		return peer.AddrInfo{}, protocol.Errorf(protocol.NotFound, "no city %s is reachable on network %s: %w", name, n.cfg.Network, err)
	}
	return found, nil
}

// verify asks a peer whether it is the city of that name.
func (n *Node) verify(ctx context.Context, p peer.ID, name string) error {
	info, err := n.identify(ctx, p)
	if err != nil {
		return err
	}
	if info.City != name {
		return fmt.Errorf("peer %s is city %s", p, info.City)
	}
	return nil
}

// askNamed asks those whom the directory knows by the name, all at once, and
// takes the best of those that confirm it: alive before gone, then the one
// known first. So a dead entry delays nobody once a better one has answered.
func (n *Node) askNamed(ctx context.Context, name string) (peer.ID, bool) {
	entries := n.directory.named(name)
	entries = entries[:min(len(entries), candidatesMax)]
	ctx, cancel := context.WithCancel(ctx)
	var (
		asking sync.WaitGroup
		panics relay
	)
	defer panics.rethrow()
	defer asking.Wait()
	defer cancel()
	answers := make([]chan error, len(entries))
	for i, e := range entries {
		answers[i] = make(chan error, 1)
		asking.Go(func() {
			answers[i] <- panics.guard(func() error { return n.verify(ctx, e.peer, name) })
		})
	}
	for i, e := range entries {
		if err := <-answers[i]; err == nil {
			return e.peer, true
		}
	}
	return "", false
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
