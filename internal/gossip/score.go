package gossip

import (
	"math"
	"net"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// The peer score of GossipSub v1.1, section "Peer Scoring": only what no
// correct program does counts against a peer. Invalid messages cost invalidWeight
// times the square of their number. One (-100) costs its sender the place in the mesh,
// for GossipSub grafts no peer with a score below zero. Two (-400) end its gossip, and
// after three (-900) GossipSub ignores it altogether, each for a while. The limits lie in
// between, with room for what decays.
//
// GossipSub's own count of invalid messages (P4) cannot be used. It counts a
// message of ours that comes back as invalid, and all neighbours of a city that
// has just been restarted send it what it said before.
const (
	invalidWeight = -100
	gossipBelow   = -150
	publishBelow  = -350
	graylistBelow = -850
	// noPeersBelow is a score that nobody has: nothing counts for a peer. Who prunes this
	// node may name peers to connect to instead, at addresses of the namer's choice, which
	// may be in the network that this node stands in. Cities find each other otherwise.
	noPeersBelow   = 1
	invalidForgets = 10 * time.Minute
	// invalidForgotten is the count from which on a peer has sent nothing invalid. A
	// count that decays never gets to 0, and any score below 0 keeps a peer out of
	// the meshes: one fault would have done so for good.
	invalidForgotten = 0.01
	scoreInterval    = time.Second
	scoreRetained    = 10 * time.Minute
)

// peerScore returns the parameters of GossipSub's peer score. Peers in the private
// ranges may share an address.
func peerScore(network string, private []*net.IPNet, invalid *invalids, volume *volumes) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	topic := &pubsub.TopicScoreParams{
		SkipAtomicValidation: true,
		TopicWeight:          1,
		TimeInMeshQuantum:    time.Second, // a divisor, though the weight is 0
	}
	params := &pubsub.PeerScoreParams{
		SkipAtomicValidation: true,
		Topics: map[string]*pubsub.TopicScoreParams{
			protocol.DeltaTopic(network):    topic,
			protocol.PresenceTopic(network): topic,
			protocol.AliveTopic(network):    topic,
		},
		// GossipSub asks this for each peer again and again, from its own goroutines.
		AppSpecificScore:  func(p peer.ID) float64 { return invalid.score(p) + volume.score(p) },
		AppSpecificWeight: 1,
		// P6, peers at one address, has no weight here, so it costs nobody anything.
		// The ranges would spare cities on one machine if it had.
		IPColocationFactorWhitelist: private,
		// P7 counts what a mesh forbids, such as a graft within a back-off. A city that
		// was restarted knows of no back-off, so a few are free.
		BehaviourPenaltyWeight:    -1,
		BehaviourPenaltyThreshold: 6,
		BehaviourPenaltyDecay:     pubsub.ScoreParameterDecay(invalidForgets),
		DecayInterval:             scoreInterval,
		DecayToZero:               0.01,
		RetainScore:               scoreRetained,
	}
	return params, &pubsub.PeerScoreThresholds{
		GossipThreshold:   gossipBelow,
		PublishThreshold:  publishBelow,
		GraylistThreshold: graylistBelow,
		AcceptPXThreshold: noPeersBelow,
	}
}

// invalidsMax bounds the peers whose invalid messages are counted, at about 100 bytes
// each. Beyond it the peer that has sent the fewest is forgotten. A peer ID costs
// nothing, so there may be any number of them.
const invalidsMax = 4096

// invalids counts the invalid messages of each peer. A count decays to a hundredth
// over invalidForgets.
type invalids struct {
	mu     sync.Mutex // guards byPeer
	byPeer map[peer.ID]invalidCount
}

type invalidCount struct {
	count float64
	at    time.Time // when the count was that high
}

func newInvalids() *invalids { return &invalids{byPeer: make(map[peer.ID]invalidCount)} }

// decayed returns what is left of the count at a later time.
func (c invalidCount) decayed(now time.Time) float64 {
	return c.count * math.Pow(0.01, float64(now.Sub(c.at))/float64(invalidForgets))
}

// add counts a rejected message against the peer that sent it, unless the reason is
// nobody's fault or the message is our own. A drop for want of room is the fault of
// this node.
func (i *invalids) add(m *pubsub.Message, reason string) {
	switch reason {
	case pubsub.RejectSelfOrigin, pubsub.RejectBlacklstedPeer, pubsub.RejectBlacklistedSource,
		pubsub.RejectValidationQueueFull, pubsub.RejectValidationThrottled, pubsub.RejectValidationIgnored:
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	if _, known := i.byPeer[m.ReceivedFrom]; !known && len(i.byPeer) >= invalidsMax {
		i.forgetOne(now)
	}
	i.byPeer[m.ReceivedFrom] = invalidCount{i.byPeer[m.ReceivedFrom].decayed(now) + 1, now}
}

// forgetOne forgets the peer whose count is least.
func (i *invalids) forgetOne(now time.Time) {
	var least peer.ID
	fewest := math.Inf(1)
	for p, c := range i.byPeer {
		if n := c.decayed(now); n < fewest {
			least, fewest = p, n
		}
	}
	delete(i.byPeer, least)
}

// score returns what the invalid messages of the peer cost it, at most 0.
func (i *invalids) score(p peer.ID) float64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	c, known := i.byPeer[p]
	if !known {
		return 0
	}
	n := c.decayed(time.Now())
	if n <= invalidForgotten {
		return 0
	}
	return invalidWeight * n * n
}
