package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// presenceBytesMax is well above the longest presence, 250 bytes.
	presenceBytesMax = 1 << 10
	// presenceGap is the least time between two presences of this city, so
	// that many peers joining at once are greeted by one.
	presenceGap = 250 * time.Millisecond
	// networkGap is the time between two presences of the whole network, when
	// it is large: the interval is stretched to the number of cities times it.
	networkGap = 2 * time.Second
	// silentIntervals is after how many of its intervals without a presence a
	// city is asked whether it is alive.
	silentIntervals = 3
	// goodbyeFor is how long a leaving city waits for its goodbye to be sent.
	goodbyeFor = 200 * time.Millisecond
	// peerEventsMax buffers the host's news of connections.
	peerEventsMax = 256
)

// presence tells the others of this city, and listens to what they say of
// themselves.
type presence struct {
	node    *Node
	topic   *pubsub.Topic
	wake    chan struct{} // has a token when a presence is due at once
	confirm *confirmer
	dead    *deadConns
	last    crdt.Stamp // the last sent; owned by send's goroutine
}

func newPresence(n *Node) *presence {
	return &presence{
		node:    n,
		wake:    make(chan struct{}, 1),
		confirm: newConfirmer(n),
		dead:    newDeadConns(n.host, n.log),
	}
}

// announce has a presence sent soon; it never blocks.
func (p *presence) announce() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func validatePresence(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if len(m.Data) > presenceBytesMax {
		return pubsub.ValidationReject
	}
	var news protocol.Presence
	if err := protocol.UnmarshalLenient(m.Data, &news); err != nil {
		return pubsub.ValidationReject
	}
	m.ValidatorData = news
	return pubsub.ValidationAccept
}

// serve runs the goroutines of presence until ctx is done.
func (p *presence) serve(ctx context.Context) error {
	sub, err := subscribe(p.topic)
	if err != nil {
		return fmt.Errorf("subscribe to presence: %w", err)
	}
	defer sub.Cancel()
	peers, err := p.node.host.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerConnectednessChanged),
	}, eventbus.BufSize(peerEventsMax))
	if err != nil {
		return fmt.Errorf("watch connections: %w", err)
	}
	defer peers.Close() //nolint:errcheck // ending anyway
	p.meetConnected()
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return p.send(ctx) })
	group.Go(func() error { return p.receive(ctx, sub) })
	group.Go(func() error { return p.followPeers(ctx, peers.Out()) })
	group.Go(func() error { return p.ageCities(ctx) })
	for range confirmWorkers {
		group.Go(func() error { return p.confirm.work(ctx) })
	}
	for range deadWorkers {
		group.Go(func() error { return p.dead.work(ctx) })
	}
	return group.Wait()
}

// send publishes a presence at once, then at intervals and when one is due,
// and says goodbye in the end.
func (p *presence) send(ctx context.Context) error {
	for {
		if err := p.publish(ctx, false); err != nil {
			return ending(ctx, err)
		}
		select {
		case <-ctx.Done():
			return p.sayGoodbye(ctx)
		case <-time.After(presenceGap):
		}
		select {
		case <-ctx.Done():
			return p.sayGoodbye(ctx)
		case <-p.wake:
		case <-time.After(jitter(p.interval())):
		}
	}
}

func (p *presence) sayGoodbye(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := p.publish(ctx, true); err != nil {
		return err
	}
	if len(p.topic.ListPeers()) > 0 {
		<-time.After(goodbyeFor)
	}
	return nil
}

func (p *presence) publish(ctx context.Context, leaving bool) error {
	own, err := p.node.ownPresence(ctx)
	if err != nil {
		return err
	}
	p.last = max(own.Sent, p.last.Next())
	own.Sent, own.Leaving = p.last, leaving
	data, err := protocol.Marshal(own)
	if err != nil {
		return err
	}
	return p.topic.Publish(ctx, data)
}

// interval is the time between two presences, stretched in large networks.
func (p *presence) interval() time.Duration {
	cities := len(p.node.directory.alive()) + 1
	return max(p.node.cfg.PresenceEvery, time.Duration(cities)*networkGap)
}

// jitter is d, give or take a tenth.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

func (p *presence) receive(ctx context.Context, sub *pubsub.Subscription) error {
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return ending(ctx, err)
		}
		author := m.GetFrom()
		news, ok := m.ValidatorData.(protocol.Presence)
		if !ok || author == p.node.host.ID() {
			continue
		}
		changed, confirm := p.node.directory.hear(author, news, p.node.cfg.Now())
		p.node.tellCity(changed)
		switch {
		case confirm && !news.Leaving:
			p.confirm.ask(author, sign)
		case !confirm && changed == nil:
			p.node.entropy.compare(author, news)
		}
	}
}

// followPeers asks each city that connects, or that has begun to serve since
// (libp2p tells of both alike), who it is, and each that disconnects whether it is still there.
func (p *presence) followPeers(ctx context.Context, events <-chan any) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-events:
			if !ok {
				return ending(ctx, fmt.Errorf("news of connections ended"))
			}
			switch e := e.(type) {
			case event.EvtPeerIdentificationCompleted:
				p.connected(e.Peer, e.Protocols)
			case event.EvtPeerConnectednessChanged:
				if known, ok := p.node.directory.get(e.Peer); ok && known.status == Alive && e.Connectedness == network.NotConnected {
					p.confirm.ask(e.Peer, doubt)
				}
			}
		}
	}
}

// meetConnected asks those that connected before there was news of it.
func (p *presence) meetConnected() {
	for _, other := range p.node.host.Network().Peers() {
		if p.node.isCity(other) {
			p.confirm.ask(other, contact)
		}
	}
}

// connected notes a new connection. A city that is starting does not serve yet;
// one that is known may have been killed and be starting again.
func (p *presence) connected(who peer.ID, protocols []libp2pprotocol.ID) {
	serves := speaks(protocols, p.node.clients.callID) && speaks(protocols, p.node.syncID)
	if serves {
		p.confirm.ask(who, contact)
	}
	if _, known := p.node.directory.get(who); known || serves {
		p.dead.suspect(who)
	}
}

// ageCities asks those that have been silent for too long, and those that
// failed or left though they are connected, and judges the own clock by the
// others'.
func (p *presence) ageCities(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for deaf := newDeafness(p.node); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		p.askSilent()
		for _, peer := range deaf.of(p.topic.ListPeers(), time.Now()) {
			p.node.log.Debug("gossip to a city has ended, connecting anew", "peer", peer)
			_ = p.node.host.Network().ClosePeer(peer) // it is then dialed again
		}
		p.node.judgeClock(ctx)
	}
}

func (p *presence) askSilent() {
	now, silent := p.node.cfg.Now(), silentIntervals*p.interval()
	for _, e := range p.node.directory.all() {
		switch {
		case e.status == Alive && now.Sub(e.heard) > silent:
			p.confirm.ask(e.peer, doubt)
		case e.status != Alive && !e.leaving(now) && p.node.host.Network().Connectedness(e.peer) == network.Connected:
			p.confirm.ask(e.peer, doubt) // an old connection has come to life again, or it is back
		}
	}
}
