package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

const (
	// DialTimeout bounds finding out that a peer cannot be reached.
	DialTimeout = 5 * time.Second

	// idleClientsPerPeer and idleClientsMax bound the call streams that are
	// kept open between calls. A call has its stream for itself, so a peer has as many
	// as calls to it overlap; beyond these bounds a stream is closed after its call.
	idleClientsPerPeer = 4
	idleClientsMax     = 128
)

// Clients make calls to peers, on streams that are kept open between calls. Its
// methods are safe for concurrent use.
type Clients struct {
	host     host.Host
	protocol libp2pprotocol.ID
	idle     *Pool[*peerClient]
}

// peerClient makes calls on a stream of the connection conn.
type peerClient struct {
	*protocol.Client
	conn network.Conn
}

// ended reports whether the client's stream has ended.
func (c *peerClient) ended() bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}

// NewClients returns clients of the call protocol with that ID. Close ends them.
func NewClients(h host.Host, id libp2pprotocol.ID) *Clients {
	closeOne := func(c *peerClient) { _ = c.Close() } // always nil
	return &Clients{host: h, protocol: id, idle: NewPool(idleClientsPerPeer, idleClientsMax, closeOne)}
}

// Call runs do with a client of the peer whose stream nobody else uses until do
// returns. So one of the calls may be a watch or a settle. Call dials at most for
// DialTimeout, and fails then with an error of the dial; otherwise it returns what
// do returns. Nothing is tried again.
func (c *Clients) Call(ctx context.Context, p peer.ID, do func(*protocol.Client) error) error {
	client, _, err := c.borrow(ctx, p)
	if err != nil {
		return err
	}
	err = do(client.Client)
	c.giveBack(p, client, ctx.Err() != nil)
	return err
}

// Ask does what Call does, for questions, which may be put twice: do runs again where
// it failed because a kept stream, or the connection of a new one, had ended meanwhile.
// It ends: each turn uses up a kept stream or a connection.
func (c *Clients) Ask(ctx context.Context, p peer.ID, do func(*protocol.Client) error) error {
	for {
		client, used, err := c.borrow(ctx, p)
		if err != nil {
			return err
		}
		err = do(client.Client)
		broken := err != nil && ctx.Err() == nil && client.ended() && (used || Superseded(c.host, client.conn, err))
		c.giveBack(p, client, ctx.Err() != nil)
		if !broken {
			return err
		}
	}
}

// borrow returns a client of that peer on a stream that nobody else uses, and
// whether the stream has been used before.
func (c *Clients) borrow(ctx context.Context, p peer.ID) (client *peerClient, used bool, err error) {
	for {
		if client, used = c.idle.Take(p); !used {
			break
		}
		if !client.ended() && !Outdated(c.host, client.conn) {
			return client, true, nil
		}
		_ = client.Close() // always nil
	}
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	stream, err := Open(ctx, c.host, p, c.protocol)
	if err != nil {
		return nil, false, fmt.Errorf("call %s: %w", p, err)
	}
	return &peerClient{protocol.NewClient(stream), stream.Conn()}, false, nil
}

// giveBack keeps the stream of a client for the next calls, unless it has ended or the
// peer did not answer on it. The answer of a call that ctx ended is still due, and the
// next call would wait behind it.
func (c *Clients) giveBack(p peer.ID, client *peerClient, silent bool) {
	if silent || client.ended() {
		_ = client.Close() // always nil
		return
	}
	c.idle.Put(p, client)
}

// Close ends all streams that nobody uses.
func (c *Clients) Close() { c.idle.CloseAll() }

// Superseded reports whether the connection, on which an error came up, has ended while
// the peer has another, on which what failed can be tried again at once.
func Superseded(h host.Host, c network.Conn, err error) bool {
	// QUIC tells the streams of a connection that it is closed a moment before it says so
	// itself.
	_, closed := errors.AsType[*network.ConnError](err)
	return (closed || c.IsClosed()) && h.Network().Connectedness(c.RemotePeer()) == network.Connected
}
