package node

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// Lookup finds the city of that name and where it can be dialed: in the
// directory first, then in the DHT. What they say is a hint; the peer that is
// returned has just said itself that it is that city on this network. The error
// matches protocol.ErrNotFound if there is none, or it has said that it leaves, and
// protocol.ErrUnavailable if one is known, or may be, and does not answer now.
func (n *Node) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	if err := n.life.open(); err != nil {
		return peer.AddrInfo{}, err
	}
	return n.names.Lookup(ctx, n.host.ID(), name)
}

// Call looks a city up and makes calls on a stream to it that is theirs alone until
// do returns, so that one of them may be a watch or a settle. Calls of the own city
// go over a stream in memory and obey the same rules. The requests name the city, so
// that nobody else executes them. What a city refuses is a *protocol.Error, so that
// errors.Is finds protocol.ErrNotFound and its like, whichever city it is. Nothing is
// tried again.
func (n *Node) Call(ctx context.Context, name string, do func(*protocol.Client) error) error {
	found, err := n.Lookup(ctx, name)
	if err != nil {
		return err
	}
	named := func(client *protocol.Client) error { return do(client.City(name)) }
	if found.ID == n.host.ID() {
		return n.callOwn(ctx, named)
	}
	n.host.Peerstore().AddAddrs(found.ID, found.Addrs, peerstore.TempAddrTTL)
	return n.clients.Call(ctx, found.ID, named)
}

// callOwn makes calls to the own city. The goroutine that answers them has ended when
// it returns.
func (n *Node) callOwn(ctx context.Context, do func(*protocol.Client) error) error {
	here, there := protocol.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() {
		var panics supervise.Relay // one ends the stream, as on the network
		err := panics.Guard(func() error { return n.calls.server.Serve(ctx, there, string(n.host.ID())) })
		if err != nil {
			n.log.Debug("calls of the own program ended", "err", err)
			_ = there.Reset()
		}
	})
	defer serving.Wait()
	defer cancel()
	client := protocol.NewClient(here)
	defer client.Close() //nolint:errcheck // always nil
	return do(client)
}
