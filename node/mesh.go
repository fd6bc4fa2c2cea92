package node

import (
	"time"

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
	// leftBackoff and pruneBackoff are how long a city that has left a mesh, or was
	// refused or dropped there, must not join it again. A city that is restarted
	// knows nothing of that, and GossipSub's own 10 s and a minute would keep
	// it out of the meshes of all of a small network for as long.
	leftBackoff  = time.Second
	pruneBackoff = 2 * time.Second
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
	p.UnsubscribeBackoff = leftBackoff
	if knownPeers > smallNetwork {
		return p
	}
	p.D, p.Dlo, p.Dhi, p.Dscore, p.Dout = 4, 3, 5, 3, 1
	p.Dlazy, p.GossipFactor = 1, 0
	p.HistoryGossip, p.HistoryLength = 1, 2
	p.PruneBackoff, p.GraftFloodThreshold = pruneBackoff, leftBackoff
	return p
}

// traces is told by GossipSub of what it drops for want of room and of what it
// rejects; the rest it ignores.
type traces struct {
	outbound func(peer.ID) // messages to a peer
	inbound  func()        // messages to this node
	invalid  func(*pubsub.Message, string)
}

func (t traces) DropRPC(rpc *pubsub.RPC, p peer.ID) {
	if len(rpc.GetPublish()) > 0 {
		t.outbound(p)
	}
}

func (t traces) UndeliverableMessage(*pubsub.Message) { t.inbound() }

func (t traces) RejectMessage(m *pubsub.Message, reason string) {
	t.invalid(m, reason)
	if reason == pubsub.RejectValidationQueueFull || reason == pubsub.RejectValidationThrottled {
		t.inbound()
	}
}

func (traces) OnNewOutboundStream(peer.ID, libp2pprotocol.ID) {}
func (traces) OnClosedOutboundStream(peer.ID)                 {}
func (traces) Join(string)                                    {}
func (traces) Leave(string)                                   {}
func (traces) Graft(peer.ID, string)                          {}
func (traces) Prune(peer.ID, string)                          {}
func (traces) ValidateMessage(*pubsub.Message)                {}
func (traces) DeliverMessage(*pubsub.Message)                 {}
func (traces) DuplicateMessage(*pubsub.Message)               {}
func (traces) ThrottlePeer(peer.ID)                           {}
func (traces) RecvRPC(*pubsub.RPC)                            {}
func (traces) SendRPC(*pubsub.RPC, peer.ID)                   {}
