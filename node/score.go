package node

import (
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// The peer score of GossipSub v1.1, section "Peer Scoring": only what no
// correct program does counts against a peer. An invalid message costs
// invalidWeight times the square of how many there were, so two silence its
// sender's gossip, and three have it ignored altogether for a while.
const (
	invalidWeight  = -100
	gossipBelow    = -150
	publishBelow   = -350
	graylistBelow  = -850
	invalidForgets = 10 * time.Minute
	scoreInterval  = time.Second
	scoreRetained  = 10 * time.Minute
)

func peerScore(network string) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	topic := &pubsub.TopicScoreParams{
		SkipAtomicValidation:           true,
		TopicWeight:                    1,
		TimeInMeshQuantum:              time.Second, // a divisor, though the weight is 0
		InvalidMessageDeliveriesWeight: invalidWeight,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(invalidForgets),
	}
	params := &pubsub.PeerScoreParams{
		SkipAtomicValidation: true,
		Topics: map[string]*pubsub.TopicScoreParams{
			protocol.DeltaTopic(network):    topic,
			protocol.PresenceTopic(network): topic,
		},
		AppSpecificScore:            func(peer.ID) float64 { return 0 },
		IPColocationFactorWhitelist: privateNets(),
		BehaviourPenaltyWeight:      -1,
		BehaviourPenaltyThreshold:   6,
		BehaviourPenaltyDecay:       pubsub.ScoreParameterDecay(invalidForgets),
		DecayInterval:               scoreInterval,
		DecayToZero:                 0.01,
		RetainScore:                 scoreRetained,
	}
	return params, &pubsub.PeerScoreThresholds{
		GossipThreshold:   gossipBelow,
		PublishThreshold:  publishBelow,
		GraylistThreshold: graylistBelow,
	}
}
