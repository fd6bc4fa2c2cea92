package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

const (
	// messageBytesMax is what GossipSub takes: a delta, with room for the
	// signature and the framing.
	messageBytesMax = DeltaBytesMax + 8<<10
	// pubsubQueueMax replaces GossipSub's queues of 32 messages, which a burst fills:
	// GossipSub drops what does not fit. A queue of the largest deltas takes 64 MiB.
	pubsubQueueMax = 1024
)

// RouterConfig is what a Router needs. Host, Network, Known, Missed and Lost are required.
type RouterConfig struct {
	Host    host.Host
	Network string
	// PubSub, if set, is a GossipSub that is on the host already; see CheckPubSub.
	// Its owner ends it.
	PubSub *pubsub.PubSub
	// HostStays says that the host lives on after Close.
	HostStays bool
	// KnownPeers is how many peers are known at the start. It decides whether the
	// mesh is that of a small network.
	KnownPeers int
	// PrivateNets are the address ranges whose peers may share an address.
	PrivateNets []*net.IPNet
	// Known reports whether a peer is a city that this one has known for some time, which
	// may send more than a stranger. It must return at once.
	Known func(peer.ID) bool
	// Missed is called when a message to a peer was dropped for want of room, and
	// Lost when one to this node was. Both are called by GossipSub's goroutines and
	// must return at once. With PubSub neither is: GossipSub tells only who made it.
	Missed func(peer.ID)
	Lost   func()
	// OwnEcho, likewise, is called when a peer passes on a message that the own key has
	// signed, and that this GossipSub does not remember to have sent.
	OwnEcho func(from peer.ID)
	// Logger receives GossipSub's own log; nil: nobody.
	Logger *slog.Logger
}

// A Router is GossipSub with the parameters of a citynode network, or a GossipSub
// that was there. Its methods are safe for concurrent use, but for Join and Close.
type Router struct {
	pubsub  *pubsub.PubSub
	host    host.Host
	topics  []*Topic
	stop    context.CancelFunc // nil: the GossipSub is not ours
	stays   bool               // the host lives on
	volumes *volumes
	dropped atomic.Uint64
}

// NewRouter attaches GossipSub to the host. Close ends it. It fails if the host has
// a GossipSub that was not given: a second one would take the streams of newcomers
// from the first in silence.
func NewRouter(cfg RouterConfig) (*Router, error) {
	r := &Router{host: cfg.Host, pubsub: cfg.PubSub, stays: cfg.HostStays, volumes: newVolumes(cfg.Known)}
	if cfg.PubSub != nil {
		return r, CheckPubSub(cfg.PubSub, cfg.Host.ID())
	}
	if taken := pubsubProtocols(cfg.Host); len(taken) > 0 {
		return nil, fmt.Errorf("the host has a GossipSub already (it speaks %s), and two on one host break each other: give the node that one", taken[0])
	}
	// GossipSub outlives the call that made it; Close ends it.
	ctx, cancel := context.WithCancel(context.Background())
	invalid := newInvalids()
	drops := tracer{
		missed:  func(p peer.ID) { r.dropped.Add(1); cfg.Missed(p) },
		lost:    func() { r.dropped.Add(1); cfg.Lost() },
		own:     cfg.OwnEcho,
		invalid: invalid.add,
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler) // GossipSub would write to standard error
	}
	params, thresholds := peerScore(cfg.Network, cfg.PrivateNets, invalid, r.volumes)
	ps, err := pubsub.NewGossipSub(ctx, cfg.Host,
		pubsub.WithLogger(cfg.Logger),
		pubsub.WithRawTracer(drops),
		pubsub.WithGossipSubParams(meshParams(cfg.KnownPeers)),
		// Not in a small network: its sparse mesh reaches all, and a copy to each peer
		// would cost what the mesh saves.
		pubsub.WithFloodPublish(cfg.KnownPeers > smallNetwork),
		// Who is the author of a presence is believed because it is signed.
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithMaxMessageSize(messageBytesMax),
		pubsub.WithPeerOutboundQueueSize(outboundMax),
		pubsub.WithValidateQueueSize(pubsubQueueMax),
		pubsub.WithPeerScore(params, thresholds),
		// Before anything is verified, or remembered as seen.
		pubsub.WithAppSpecificRpcInspector(r.volumes.inspect),
		pubsub.WithSeenMessagesTTL(seenFor),
		// No peer can make this node remember topics of the peer's invention.
		pubsub.WithSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(
			protocol.DeltaTopic(cfg.Network), protocol.PresenceTopic(cfg.Network), protocol.AliveTopic(cfg.Network))),
	)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("gossipsub: %w", err)
	}
	r.pubsub, r.stop = ps, cancel
	return r, nil
}

// probeTopic is a topic that nobody subscribes to, for CheckPubSub.
const probeTopic = "/citynode/probe/1"

// CheckPubSub fails unless a GossipSub that a program has made serves a node: it is
// of the host with that peer ID and signs its messages (StrictSign, the default).
// What cannot be checked is written at node.Config.PubSub.
func CheckPubSub(ps *pubsub.PubSub, host peer.ID) (err error) {
	var author peer.ID
	signed := false
	err = ps.RegisterTopicValidator(probeTopic, func(_ context.Context, _ peer.ID, m *pubsub.Message) bool {
		author, signed = m.GetFrom(), len(m.GetSignature()) > 0
		return true
	}, pubsub.WithValidatorInline(true))
	if err != nil {
		return fmt.Errorf("probe the PubSub: %w", err)
	}
	defer func() { err = errors.Join(err, ps.UnregisterTopicValidator(probeTopic)) }()
	topic, err := ps.Join(probeTopic)
	if err != nil {
		return fmt.Errorf("probe the PubSub: %w", err)
	}
	defer func() { err = errors.Join(err, topic.Close()) }()
	if err := topic.Publish(context.Background(), []byte("probe")); err != nil {
		return fmt.Errorf("probe the PubSub: %w", err)
	}
	switch {
	case !signed:
		return errors.New("the PubSub does not sign its messages: make it with StrictSign")
	case author != host:
		return fmt.Errorf("the PubSub is of peer %s, the host is %s", author, host)
	}
	return nil
}

// Dropped returns how many messages were dropped for want of room, so far.
func (r *Router) Dropped() uint64 { return r.dropped.Load() }

// TooMuch returns how many messages of others were ignored since they were too many or too
// long, so far.
func (r *Router) TooMuch() uint64 { return r.volumes.dropped() }

// Peers returns the peers that are in a topic, as far as this node knows.
func (r *Router) Peers(topic string) []peer.ID { return r.pubsub.ListPeers(topic) }

// Join joins a topic whose messages validate judges. A router joins a topic once.
func (r *Router) Join(name string, validate pubsub.ValidatorEx) (*Topic, error) {
	if err := r.pubsub.RegisterTopicValidator(name, validate); err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	topic, err := r.pubsub.Join(name)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, errors.Join(err, r.pubsub.UnregisterTopicValidator(name)))
	}
	t := &Topic{Topic: topic, name: name}
	r.topics = append(r.topics, t)
	return t, nil
}

// Close ends the router. A GossipSub that was there leaves the topics. One of its own
// ends without a word where its host ends too, and else takes its streams off the
// host. No Subscription may be in use any more.
func (r *Router) Close() error {
	if r.stop == nil {
		return r.leave()
	}
	r.stop()
	if !r.stays {
		return nil
	}
	for _, id := range pubsubProtocols(r.host) {
		r.host.RemoveStreamHandler(id)
	}
	for _, conn := range r.host.Network().Conns() {
		for _, s := range conn.GetStreams() {
			if isPubSub(s.Protocol()) {
				_ = s.Reset() // whatever that says, nobody serves the stream any more
			}
		}
	}
	return nil
}

// leave takes the node's topics off a GossipSub that lives on.
func (r *Router) leave() (err error) {
	for _, t := range r.topics {
		if t.relayed != nil {
			// First: a topic that is relayed cannot be closed.
			t.relayed()
		}
		err = errors.Join(err, t.Close(), r.pubsub.UnregisterTopicValidator(t.name))
	}
	return err
}

// pubsubProtocols returns those of GossipSub and FloodSub that the host answers.
func pubsubProtocols(h host.Host) []libp2pprotocol.ID {
	return slices.DeleteFunc(h.Mux().Protocols(), func(id libp2pprotocol.ID) bool { return !isPubSub(id) })
}

func isPubSub(id libp2pprotocol.ID) bool {
	return strings.HasPrefix(string(id), "/meshsub/") || strings.HasPrefix(string(id), "/floodsub/")
}

// A Topic is a topic of GossipSub that this node has joined.
type Topic struct {
	*pubsub.Topic
	name    string
	relayed pubsub.RelayCancelFunc // nil before Subscribe
}

// Subscribe subscribes to the topic for good: ending the Subscription does not leave
// the mesh, which the node leaves with its host. A node that leaves by a message is
// kept out by its neighbours for some time, also when it is back after a restart.
func (t *Topic) Subscribe() (*pubsub.Subscription, error) {
	sub, err := t.Topic.Subscribe(pubsub.WithBufferSize(pubsubQueueMax))
	if err != nil {
		return nil, err
	}
	if t.relayed != nil {
		return sub, nil // the part that subscribes crashed and is here again
	}
	// A relay keeps this node in the mesh when the subscription ends.
	if t.relayed, err = t.Relay(); err != nil {
		sub.Cancel()
		return nil, err
	}
	return sub, nil
}
