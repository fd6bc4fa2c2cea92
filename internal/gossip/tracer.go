package gossip

import (
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
)

// A tracer is told by GossipSub what it drops for want of room and what it rejects.
// It ignores the rest.
type tracer struct {
	missed  func(peer.ID) // a message to the peer was dropped
	lost    func()        // a message to this node was dropped
	invalid func(*pubsub.Message, string)
	own     func(peer.ID) // the peer passed on a message of this host that this GossipSub did not send
}

func (t tracer) DropRPC(rpc *pubsub.RPC, p peer.ID) {
	// The rest is control of the mesh, which GossipSub itself sends again.
	if len(rpc.GetPublish()) > 0 {
		t.missed(p)
	}
}

func (t tracer) UndeliverableMessage(*pubsub.Message) { t.lost() }

func (t tracer) RejectMessage(m *pubsub.Message, reason string) {
	// A reason counts against the sender or as a loss here, never as both.
	t.invalid(m, reason)
	if reason == pubsub.RejectSelfOrigin {
		t.own(m.ReceivedFrom)
	}
	if reason == pubsub.RejectValidationQueueFull || reason == pubsub.RejectValidationThrottled {
		t.lost()
	}
}

func (tracer) OnNewOutboundStream(peer.ID, libp2pprotocol.ID) {}
func (tracer) OnClosedOutboundStream(peer.ID)                 {}
func (tracer) Join(string)                                    {}
func (tracer) Leave(string)                                   {}
func (tracer) Graft(peer.ID, string)                          {}
func (tracer) Prune(peer.ID, string)                          {}
func (tracer) ValidateMessage(*pubsub.Message)                {}
func (tracer) DeliverMessage(*pubsub.Message)                 {}
func (tracer) DuplicateMessage(*pubsub.Message)               {}
func (tracer) ThrottlePeer(peer.ID)                           {}
func (tracer) RecvRPC(*pubsub.RPC)                            {}
func (tracer) SendRPC(*pubsub.RPC, peer.ID)                   {}
