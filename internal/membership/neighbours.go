package membership

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
)

// awaitPoll is how often Await looks whether a city is connected. Only the start of a
// city waits, for a few seconds at most, and one look asks no other host.
const awaitPoll = 20 * time.Millisecond

// Neighbours are the cities that are connected now: the peers that speak the sync
// protocol of the network.
type Neighbours struct {
	host host.Host
	sync libp2pprotocol.ID
}

// NewNeighbours returns the neighbours of a host that speak the sync protocol with
// that ID.
func NewNeighbours(h host.Host, sync libp2pprotocol.ID) *Neighbours {
	return &Neighbours{host: h, sync: sync}
}

// Has reports whether a peer is connected and speaks the sync protocol. What a peer
// speaks is known once libp2p has identified it, so one that has just connected is not
// a neighbour yet.
func (n *Neighbours) Has(p peer.ID) bool {
	if n.host.Network().Connectedness(p) != network.Connected {
		return false
	}
	spoken, err := n.host.Peerstore().SupportsProtocols(p, n.sync)
	return err == nil && len(spoken) > 0
}

// Pick returns up to most neighbours, drawn at random.
func (n *Neighbours) Pick(most int) []peer.ID {
	var some []peer.ID
	for _, p := range n.host.Network().Peers() {
		if n.Has(p) {
			some = append(some, p)
		}
	}
	slices.Sort(some)
	rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return some[:min(most, len(some))]
}

// Await returns once there is a neighbour, or ctx is done.
func (n *Neighbours) Await(ctx context.Context) {
	tick := time.NewTicker(awaitPoll)
	defer tick.Stop()
	for len(n.Pick(1)) == 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
