package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	// confirmWorkers is how many peers are asked at once.
	confirmWorkers = 4
	// confirmQueueMax bounds the peers that wait to be asked. What does not
	// fit is asked at its next presence.
	confirmQueueMax = 256
	// confirmTimeout bounds one question, dialing included.
	confirmTimeout = 5 * time.Second
)

// confirmer asks peers who they are: what a presence says, or what a
// connection means, is only a hint until the peer itself answers info.
type confirmer struct {
	node  *Node
	queue chan peer.ID

	mu    sync.Mutex // guards asked and what is in it
	asked map[peer.ID]*question
}

// question is to one peer, from when it is wanted until it is over.
type question struct {
	again   bool               // the peer gave a sign of life since it was asked last
	cancel  context.CancelFunc // ends the present attempt; nil before the first
	dialing bool               // there was no connection when the present attempt began
}

// reason is why a peer is asked.
type reason int

const (
	// doubt: there is no sign of life. A question under way will tell.
	doubt reason = iota
	// sign: the peer lives. A question under way that has no answer was put to
	// what is gone, and is put again.
	sign
	// contact: there is a new way to the peer. A question under way is put again
	// at once. So it is where a peer that was being dialed is found connected.
	contact
)

func newConfirmer(n *Node) *confirmer {
	return &confirmer{node: n, queue: make(chan peer.ID, confirmQueueMax), asked: make(map[peer.ID]*question)}
}

// ask has a peer asked soon; it never blocks.
func (c *confirmer) ask(p peer.ID, why reason) {
	connected := c.connected(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q, ok := c.asked[p]; ok {
		if connected && q.dialing {
			why = contact
		}
		q.again = q.again || why != doubt
		if why == contact && q.cancel != nil {
			q.cancel()
		}
		return
	}
	select {
	case c.queue <- p:
		c.asked[p] = new(question)
	default:
	}
}

func (c *confirmer) connected(p peer.ID) bool {
	return c.node.host.Network().Connectedness(p) == network.Connected
}

func (c *confirmer) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-c.queue:
			c.answer(ctx, p)
		}
	}
}

// answer asks a peer until it answers, or does not and has given no sign of
// life meanwhile: then it is lost.
func (c *confirmer) answer(ctx context.Context, p peer.ID) {
	n := c.node
	for {
		begun := n.cfg.Now()
		err := c.attempt(ctx, p)
		answered := err == nil || ctx.Err() != nil
		if !c.over(p, answered) {
			continue
		}
		if answered {
			return
		}
		n.log.Debug("city did not confirm itself", "peer", p, "err", err)
		event, heard := n.directory.lost(p, begun)
		if heard {
			c.ask(p, doubt)
		}
		n.tellCity(event)
		return
	}
}

// attempt asks a peer once.
func (c *confirmer) attempt(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialing := !c.connected(p)
	c.mu.Lock()
	q := c.asked[p]
	q.again, q.cancel, q.dialing = false, cancel, dialing
	c.mu.Unlock()
	_, err := c.node.identify(ctx, p)
	return err
}

// over ends a question, unless it had no answer and is to be put again.
func (c *confirmer) over(p peer.ID, answered bool) bool {
	connected := c.connected(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.asked[p]; !answered && (q.again || connected && q.dialing) {
		return false
	}
	delete(c.asked, p)
	return true
}

// askInfo asks on a kept stream, and again if that was the stream of a
// connection that has ended.
func (n *Node) askInfo(ctx context.Context, p peer.ID) (info protocol.InfoReply, err error) {
	for {
		client, used, dialErr := n.clients.borrow(ctx, p)
		if dialErr != nil {
			return info, dialErr
		}
		info, err = client.Info(ctx)
		broken := err != nil && ctx.Err() == nil && client.ended() && (used || superseded(n.host, client.conn))
		n.clients.giveBack(p, client, ctx.Err() != nil)
		if !broken {
			return info, err
		}
	}
}

// identify asks a peer who it is and takes it into the directory if it is a
// city of this network.
func (n *Node) identify(ctx context.Context, p peer.ID) (protocol.InfoReply, error) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	n.findAddrs(ctx, p)
	info, err := n.askInfo(ctx, p)
	if err != nil {
		return info, fmt.Errorf("ask %s who it is: %w", p, err)
	}
	if info.Network != n.cfg.Network {
		return info, fmt.Errorf("peer %s is of network %q: %w", p, info.Network, bootstrap.ErrOtherCity)
	}
	if err := crdt.ValidateCityName(info.City); err != nil {
		return info, fmt.Errorf("peer %s: %w: %w", p, bootstrap.ErrOtherCity, err)
	}
	event := n.directory.confirmed(p, info, n.cfg.Now())
	n.tellCity(event)
	n.tellContested(event)
	n.weighClaim(p, info)
	if event != nil {
		n.entropy.meet(p)
		n.presence.announce()
	}
	return info, nil
}

// findAddrs gives the host addresses to dial a peer at, if it has none.
func (n *Node) findAddrs(ctx context.Context, p peer.ID) {
	if n.host.Network().Connectedness(p) == network.Connected || len(n.host.Peerstore().Addrs(p)) > 0 {
		return
	}
	if found, err := n.names.FindPeer(ctx, p); err == nil {
		n.host.Peerstore().AddAddrs(p, found.Addrs, peerstore.TempAddrTTL)
	}
}

// tellCity passes news of a city on.
func (n *Node) tellCity(e *CityEvent) {
	if e == nil {
		return
	}
	n.log.Info("city "+string(e.Status), "city", e.Name, "peer", e.Peer, "before", e.Before, "restarted", e.Restarted)
	if tell := n.cfg.Events.City; tell != nil {
		tell(*e)
	}
}

// tellContested says that a city just found has this city's name. Between
// strangers nobody is made to stop for that.
func (n *Node) tellContested(e *CityEvent) {
	if e == nil || e.Name != n.cfg.City.Name || e.Status != Alive {
		return
	}
	n.log.Warn("another peer claims this city's name", "city", e.Name, "peer", e.Peer)
	if tell := n.cfg.Events.Contested; tell != nil {
		tell(e.Name, e.Peer)
	}
}
