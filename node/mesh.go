package node

import (
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
)

const (
	// smallNetwork is up to how many known peers a network counts as small.
	smallNetwork = 16
	// outboundMax bounds the messages that wait for one peer: 16 MiB of them.
	// GossipSub drops what does not fit.
	outboundMax = 256
)

// meshParams are GossipSub's parameters. In a small network a sparse mesh with
// hardly any lazy gossip reaches all, and an isolated update costs half of the
// bytes: announcements of messages (IHAVE) that nobody lacks are most of them
// otherwise. One peer a heartbeat is told of the last second's messages all the
// same, for after a partition both sides may have a full mesh of their own and
// no reason to join them. What is lost meanwhile, anti-entropy brings. A large
// network has GossipSub's own degrees, and its lazy gossip.
func meshParams(knownPeers int) pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	if knownPeers > smallNetwork {
		return p
	}
	p.D, p.Dlo, p.Dhi, p.Dscore, p.Dout = 4, 3, 5, 3, 1
	p.Dlazy, p.GossipFactor = 1, 0
	p.HistoryGossip, p.HistoryLength = 1, 2
	return p
}

// dropTracer is told by GossipSub of what it drops for want of room; the rest it
// ignores.
type dropTracer struct {
	outbound func(peer.ID) // messages to a peer
	inbound  func()        // messages to this node
}

func (t dropTracer) DropRPC(rpc *pubsub.RPC, p peer.ID) {
	if len(rpc.GetPublish()) > 0 {
		t.outbound(p)
	}
}

func (t dropTracer) UndeliverableMessage(*pubsub.Message) { t.inbound() }

func (t dropTracer) RejectMessage(_ *pubsub.Message, reason string) {
	if reason == pubsub.RejectValidationQueueFull || reason == pubsub.RejectValidationThrottled {
		t.inbound()
	}
}

func (dropTracer) OnNewOutboundStream(peer.ID, libp2pprotocol.ID) {}
func (dropTracer) OnClosedOutboundStream(peer.ID)                 {}
func (dropTracer) Join(string)                                    {}
func (dropTracer) Leave(string)                                   {}
func (dropTracer) Graft(peer.ID, string)                          {}
func (dropTracer) Prune(peer.ID, string)                          {}
func (dropTracer) ValidateMessage(*pubsub.Message)                {}
func (dropTracer) DeliverMessage(*pubsub.Message)                 {}
func (dropTracer) DuplicateMessage(*pubsub.Message)               {}
func (dropTracer) ThrottlePeer(peer.ID)                           {}
func (dropTracer) RecvRPC(*pubsub.RPC)                            {}
func (dropTracer) SendRPC(*pubsub.RPC, peer.ID)                   {}
