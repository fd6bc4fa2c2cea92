package node

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

const (
	// idleClientsPerPeer and idleClientsMax bound the call streams that are
	// kept open between calls.
	idleClientsPerPeer = 4
	idleClientsMax     = 128
	// dialTimeout bounds finding out that a peer cannot be reached.
	dialTimeout = 5 * time.Second
)

// clients make calls to peers.
type clients struct {
	host   host.Host
	callID libp2pprotocol.ID
	idle   *idle[*protocol.Client]
}

func newClients(h host.Host, network string) *clients {
	closeOne := func(c *protocol.Client) { _ = c.Close() } // always nil
	return &clients{
		host:   h,
		callID: libp2pprotocol.ID(protocol.CallID(network)),
		idle:   newIdle(idleClientsPerPeer, idleClientsMax, closeOne),
	}
}

// borrow gives a client of that peer on a stream that nobody else uses, and
// whether that has been used before. It dials at most for dialTimeout.
func (c *clients) borrow(ctx context.Context, p peer.ID) (client *protocol.Client, used bool, err error) {
	for {
		if client, used = c.idle.take(p); !used {
			break
		}
		if !ended(client) {
			return client, true, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	stream, err := c.host.NewStream(ctx, p, c.callID)
	if err != nil {
		return nil, false, fmt.Errorf("call %s: %w", p, err)
	}
	return protocol.NewClient(stream), false, nil
}

// giveBack keeps the stream of a client for the next calls, unless it has ended
// or the peer did not answer on it.
func (c *clients) giveBack(p peer.ID, client *protocol.Client, silent bool) {
	if silent || ended(client) {
		_ = client.Close() // always nil
		return
	}
	c.idle.put(p, client)
}

// close ends all streams that nobody uses.
func (c *clients) close() { c.idle.closeAll() }

func ended(c *protocol.Client) bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}
