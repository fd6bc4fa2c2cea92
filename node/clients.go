package node

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

const (
	// clientsMax bounds the call streams that this node keeps to others.
	clientsMax = 128
	// dialTimeout bounds finding out that a peer cannot be reached.
	dialTimeout = 5 * time.Second
)

// clients keeps one call stream a peer, for a new stream costs a call twice.
type clients struct {
	host   host.Host
	callID libp2pprotocol.ID
	open   *lru.Cache[peer.ID, *protocol.Client]
}

func newClients(h host.Host, network string) *clients {
	open, err := lru.NewWithEvict(clientsMax, func(_ peer.ID, c *protocol.Client) { _ = c.Close() })
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &clients{host: h, callID: libp2pprotocol.ID(protocol.CallID(network)), open: open}
}

// dial is a client of that peer, on a stream of its own, which the caller
// closes. It dials at most for dialTimeout.
func (c *clients) dial(ctx context.Context, p peer.ID) (*protocol.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	stream, err := c.host.NewStream(ctx, p, c.callID)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", p, err)
	}
	return protocol.NewClient(stream), nil
}

// to is a client of that peer, on a stream that is kept. It dials at most for
// dialTimeout.
func (c *clients) to(ctx context.Context, p peer.ID) (*protocol.Client, error) {
	if client, ok := c.open.Get(p); ok && !ended(client) {
		return client, nil
	}
	client, err := c.dial(ctx, p)
	if err != nil {
		return nil, err
	}
	for {
		other, found, _ := c.open.PeekOrAdd(p, client)
		switch {
		case !found:
			return client, nil
		case ended(other):
			c.open.Remove(p)
		default: // somebody else was faster
			_ = client.Close()
			return other, nil
		}
	}
}

// forget ends the stream to a peer that did not answer on it.
func (c *clients) forget(p peer.ID) { c.open.Remove(p) }

// close ends all streams.
func (c *clients) close() { c.open.Purge() }

func ended(c *protocol.Client) bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}
