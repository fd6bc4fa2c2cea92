package gossip

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

const (
	// messageBytesMax is what GossipSub takes: a delta, with room for the
	// signature and the framing.
	messageBytesMax = DeltaBytesMax + 8<<10
	// pubsubQueueMax replaces GossipSub's queues of 32, which drop in silence.
	pubsubQueueMax = 1024
)

// RouterConfig is what a Router needs. All fields but KnownPeers and PrivateNets are
// required.
type RouterConfig struct {
	Host    host.Host
	Network string
	// KnownPeers is how many peers are known at the start. It decides whether the
	// mesh is that of a small network.
	KnownPeers int
	// PrivateNets are the address ranges whose peers may share an address.
	PrivateNets []*net.IPNet
	// Missed is called when a message to a peer was dropped for want of room, and
	// Lost when one to this node was. Both are called by GossipSub's goroutines and
	// must return at once.
	Missed func(peer.ID)
	Lost   func()
}

// A Router is GossipSub with the parameters of a citynode network. It ends with
// the context that it was made with.
type Router struct {
	pubsub  *pubsub.PubSub
	host    peer.ID
	dropped atomic.Uint64
}

// NewRouter attaches GossipSub to the host.
func NewRouter(ctx context.Context, cfg RouterConfig) (*Router, error) {
	r := &Router{host: cfg.Host.ID()}
	invalid := newInvalids()
	drops := tracer{
		missed:  func(p peer.ID) { r.dropped.Add(1); cfg.Missed(p) },
		lost:    func() { r.dropped.Add(1); cfg.Lost() },
		invalid: invalid.add,
	}
	params, thresholds := peerScore(cfg.Network, cfg.PrivateNets, invalid)
	var err error
	r.pubsub, err = pubsub.NewGossipSub(ctx, cfg.Host,
		pubsub.WithRawTracer(drops),
		pubsub.WithGossipSubParams(meshParams(cfg.KnownPeers)),
		pubsub.WithFloodPublish(cfg.KnownPeers > smallNetwork),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithMaxMessageSize(messageBytesMax),
		pubsub.WithPeerOutboundQueueSize(outboundMax),
		pubsub.WithValidateQueueSize(pubsubQueueMax),
		pubsub.WithPeerScore(params, thresholds),
		pubsub.WithSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(
			protocol.DeltaTopic(cfg.Network), protocol.PresenceTopic(cfg.Network))),
	)
	if err != nil {
		return nil, fmt.Errorf("gossipsub: %w", err)
	}
	return r, nil
}

// Dropped returns how many messages were dropped for want of room, so far.
func (r *Router) Dropped() uint64 { return r.dropped.Load() }

// Join joins a topic whose messages validate judges. A router joins a topic once.
func (r *Router) Join(name string, validate pubsub.ValidatorEx) (*Topic, error) {
	if err := r.pubsub.RegisterTopicValidator(name, validate); err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	topic, err := r.pubsub.Join(name)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	return &Topic{topic}, nil
}

// A Topic is a topic of GossipSub that this node has joined.
type Topic struct{ *pubsub.Topic }

// Subscribe subscribes to the topic for good: the node leaves the mesh only with
// its host. A node that leaves by a message is kept out by its neighbours for some
// time, also when it is back after a restart.
func (t *Topic) Subscribe() (*pubsub.Subscription, error) {
	sub, err := t.Topic.Subscribe(pubsub.WithBufferSize(pubsubQueueMax))
	if err != nil {
		return nil, err
	}
	if _, err := t.Relay(); err != nil {
		sub.Cancel()
		return nil, err
	}
	return sub, nil
}

// Peers returns the peers that are in a topic, as far as this node knows.
func (r *Router) Peers(topic string) []peer.ID { return r.pubsub.ListPeers(topic) }
