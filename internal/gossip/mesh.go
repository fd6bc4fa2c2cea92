package gossip

import (
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
)

const (
	// smallNetwork is up to how many known peers a network counts as small.
	smallNetwork = 16
	// outboundMax bounds the messages that wait for one peer: 16 MiB of the
	// largest. GossipSub drops what does not fit.
	outboundMax = 256
	// leftBackoff is how long a city that has left a mesh must not join it again,
	// pruneBackoff how long one that was refused or dropped there must not. A city
	// that is restarted knows nothing of either. GossipSub's own 10 s and a minute
	// would keep it out of every mesh of a small network for as long.
	leftBackoff  = time.Second
	pruneBackoff = 2 * time.Second
)

// meshParams returns GossipSub's parameters.
//
// In a small network a sparse mesh with hardly any lazy gossip reaches all, and an
// isolated update costs half of the bytes: most of them are otherwise
// announcements (IHAVE) of messages that nobody lacks. One peer a heartbeat is
// still told of the last second's messages. After a partition both sides may have
// a full mesh of their own and no other reason to join them. What is lost
// meanwhile anti-entropy brings. A large network has GossipSub's own degrees and
// its lazy gossip.
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
