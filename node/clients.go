package node

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
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
	idle   *idle[*peerClient]
}

// peerClient makes calls on a stream of that connection.
type peerClient struct {
	*protocol.Client
	conn network.Conn
}

// ended tells whether the stream has.
func (c *peerClient) ended() bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}

func newClients(h host.Host, network string) *clients {
	closeOne := func(c *peerClient) { _ = c.Close() } // always nil
	return &clients{
		host:   h,
		callID: libp2pprotocol.ID(protocol.CallID(network)),
		idle:   newIdle(idleClientsPerPeer, idleClientsMax, closeOne),
	}
}

// borrow gives a client of that peer on a stream that nobody else uses, and
// whether that has been used before. It dials at most for dialTimeout.
func (c *clients) borrow(ctx context.Context, p peer.ID) (client *peerClient, used bool, err error) {
	for {
		if client, used = c.idle.take(p); !used {
			break
		}
		if !client.ended() {
			return client, true, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	stream, err := c.host.NewStream(ctx, p, c.callID)
	if err != nil {
		return nil, false, fmt.Errorf("call %s: %w", p, err)
	}
	return &peerClient{protocol.NewClient(stream), stream.Conn()}, false, nil
}

// giveBack keeps the stream of a client for the next calls, unless it has ended
// or the peer did not answer on it.
func (c *clients) giveBack(p peer.ID, client *peerClient, silent bool) {
	if silent || client.ended() {
		_ = client.Close() // always nil
		return
	}
	c.idle.put(p, client)
}

// superseded tells whether the connection has ended while the peer has another,
// on which what failed can be tried again at once.
func superseded(h host.Host, c network.Conn) bool {
	return c.IsClosed() && h.Network().Connectedness(c.RemotePeer()) == network.Connected
}

// close ends all streams that nobody uses.
func (c *clients) close() { c.idle.closeAll() }
