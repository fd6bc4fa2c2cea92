package node

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// deltaBytesMax is the most bytes of one delta.
	deltaBytesMax = 64 << 10
	// messageBytesMax is what GossipSub takes: a delta, with room for the
	// signature and the framing.
	messageBytesMax = deltaBytesMax + 8<<10
	// pubsubQueueMax replaces GossipSub's queues of 32, which drop in silence.
	pubsubQueueMax = 1024
	// coalesceFor is how long changes are gathered after a delta has gone out.
	coalesceFor = 5 * time.Millisecond
	// publishBytesPerSecond paces the publisher, for GossipSub has no
	// backpressure: what its queues cannot take it drops. It is what two cores
	// can sign and send. publishBurst goes out without a pause.
	publishBytesPerSecond = 32 << 20
	publishBurst          = 4 << 20
	// mendAfter is how long after a drop anti-entropy mends it: so that one
	// session mends a burst of them.
	mendAfter = time.Second
	// mendWith is with how many cities it does so.
	mendWith = 2
)

// gossip sends and takes deltas: a hint that may be lost.
type gossip struct {
	node   *Node
	pubsub *pubsub.PubSub
	topic  *pubsub.Topic
	outbox *outbox
	pace   *rate.Limiter
	// dropped counts the messages that GossipSub dropped for want of room.
	dropped atomic.Uint64
}

func newGossip(ctx context.Context, n *Node) (*gossip, error) {
	g := &gossip{
		node:   n,
		outbox: newOutbox(),
		pace:   rate.NewLimiter(publishBytesPerSecond, publishBurst),
	}
	invalid := newInvalids()
	drops := traces{outbound: g.dropOutbound, inbound: g.dropInbound, invalid: invalid.add}
	ps, err := newPubSub(ctx, n.host, n.cfg.Network, len(n.saved.Peers()), invalid, pubsub.WithRawTracer(drops))
	if err != nil {
		return nil, fmt.Errorf("gossipsub: %w", err)
	}
	g.pubsub = ps
	if g.topic, err = join(ps, protocol.DeltaTopic(n.cfg.Network), g.validate); err != nil {
		return nil, err
	}
	n.presence.topic, err = join(ps, protocol.PresenceTopic(n.cfg.Network), validatePresence)
	return g, err
}

func newPubSub(ctx context.Context, h host.Host, network string, knownPeers int, invalid *invalids, more ...pubsub.Option) (*pubsub.PubSub, error) {
	params, thresholds := peerScore(network, invalid)
	return pubsub.NewGossipSub(ctx, h, append(more,
		pubsub.WithGossipSubParams(meshParams(knownPeers)),
		pubsub.WithFloodPublish(knownPeers > smallNetwork),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithMaxMessageSize(messageBytesMax),
		pubsub.WithPeerOutboundQueueSize(outboundMax),
		pubsub.WithValidateQueueSize(pubsubQueueMax),
		pubsub.WithPeerScore(params, thresholds),
		pubsub.WithSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(
			protocol.DeltaTopic(network), protocol.PresenceTopic(network))),
	)...)
}

func join(ps *pubsub.PubSub, name string, validate pubsub.ValidatorEx) (*pubsub.Topic, error) {
	if err := ps.RegisterTopicValidator(name, validate); err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	topic, err := ps.Join(name)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	return topic, nil
}

// validate rejects, and scores against the sender, what no correct program
// sends, and ignores what is of no use to anybody yet.
func (g *gossip) validate(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if m.ReceivedFrom == g.node.host.ID() {
		return pubsub.ValidationAccept // what is published here was made here
	}
	if len(m.Data) > deltaBytesMax {
		return pubsub.ValidationReject
	}
	entries, err := crdt.DecodeEntries(m.Data)
	if err != nil || entries.Len() == 0 {
		return pubsub.ValidationReject
	}
	if allFuture(entries, g.node.cfg.Now()) {
		return pubsub.ValidationIgnore
	}
	m.ValidatorData = entries
	return pubsub.ValidationAccept
}

func allFuture(e crdt.Entries, now time.Time) bool {
	horizon := crdt.StampAt(now.Add(city.FutureSkewMax))
	for _, hero := range e.Heroes {
		if hero.Version.HLC <= horizon {
			return false
		}
	}
	return len(e.Tombstones) == 0
}

// serve runs the three goroutines of gossip until ctx is done; what waits in
// the outbox then goes out.
func (g *gossip) serve(ctx context.Context) error {
	sub, err := subscribe(g.topic)
	if err != nil {
		return fmt.Errorf("subscribe to deltas: %w", err)
	}
	defer sub.Cancel()
	peers, err := g.topic.EventHandler()
	if err != nil {
		return fmt.Errorf("watch the delta topic: %w", err)
	}
	defer peers.Cancel()
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return g.receive(ctx, sub) })
	group.Go(func() error { return g.greet(ctx, peers) })
	group.Go(func() error { return g.publish(ctx) })
	return group.Wait()
}

// subscribe subscribes to a topic for good: only with the host does it leave the
// mesh. One that leaves by a message is kept out by its neighbours for some time,
// and also when it is back after a restart.
func subscribe(t *pubsub.Topic) (*pubsub.Subscription, error) {
	sub, err := t.Subscribe(pubsub.WithBufferSize(pubsubQueueMax))
	if err != nil {
		return nil, err
	}
	if _, err := t.Relay(); err != nil {
		sub.Cancel()
		return nil, err
	}
	return sub, nil
}

// receive merges what others publish. What comes while the city is down is
// lost, and brought by anti-entropy.
func (g *gossip) receive(ctx context.Context, sub *pubsub.Subscription) error {
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return ending(ctx, err)
		}
		entries, ok := m.ValidatorData.(crdt.Entries)
		if !ok || m.ReceivedFrom == g.node.host.ID() {
			continue
		}
		_, err = g.node.city.Do(ctx, city.Update{Entries: entries, Source: city.SourceGossip})
		if err != nil && city.ReasonOf(err) == 0 {
			return ending(ctx, err)
		}
	}
}

// greet has a round of anti-entropy with each peer that joins the topic, for
// it has missed what was gossiped before.
func (g *gossip) greet(ctx context.Context, peers *pubsub.TopicEventHandler) error {
	for {
		event, err := peers.NextPeerEvent(ctx)
		if err != nil {
			return ending(ctx, err)
		}
		if event.Type == pubsub.PeerJoin {
			g.node.entropy.meet(event.Peer)
			g.node.presence.announce()
		}
	}
}

// offer queues changes for gossip; it never blocks. What came by gossip or
// anti-entropy is not passed on.
func (g *gossip) offer(fx city.Effects) {
	changes := fx.Changes
	if fx.Source != city.SourceCaller {
		changes = changes[fx.Brought:]
	}
	if g.node.cfg.NoGossip || len(changes) == 0 {
		return
	}
	if !g.outbox.add(changes) {
		g.mendAll()
	}
}

// dropOutbound notes that a peer misses what this node sent.
func (g *gossip) dropOutbound(p peer.ID) {
	g.dropped.Add(1)
	g.node.entropy.want(p, mendAfter)
}

// dropInbound notes that this node misses what others sent.
func (g *gossip) dropInbound() {
	g.dropped.Add(1)
	g.mendAll()
}

// mendAll has anti-entropy bring what gossip lost, to or from anybody.
func (g *gossip) mendAll() {
	for _, p := range g.node.entropy.pick(mendWith) {
		g.node.entropy.want(p, mendAfter)
	}
}

// publish sends the first change at once and gathers later ones for a moment.
func (g *gossip) publish(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			return g.send(flush)
		case <-g.outbox.wake:
		}
		if err := g.send(ctx); err != nil {
			return ending(ctx, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(coalesceFor):
		}
	}
}

// send publishes all that waits, in messages of at most deltaBytesMax.
func (g *gossip) send(ctx context.Context) error {
	for {
		entries := g.outbox.take(deltaBytesMax)
		if entries.Len() == 0 {
			return nil
		}
		delta, err := entries.MarshalCBOR()
		if err != nil {
			return fmt.Errorf("encode a delta: %w", err)
		}
		if err := g.pace.WaitN(ctx, len(delta)); err != nil {
			return fmt.Errorf("pace the deltas: %w", err)
		}
		if err := g.topic.Publish(ctx, delta); err != nil {
			return fmt.Errorf("publish a delta: %w", err)
		}
	}
}

// ending is nil if ctx is done, whatever that made fail.
func ending(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
