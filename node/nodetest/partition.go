package nodetest

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/node"
)

// Cut puts these nodes on a side of their own: they reach each other and nobody else.
// Connections that cross the cut break without a goodbye, on mocknet at once and over
// QUIC when a side notices. A node that is cut off and closed vanishes as in a power
// cut.
func (c *Cluster) Cut(nodes ...*node.Node) {
	c.t.Helper()
	peers := make([]peer.ID, len(nodes))
	for i, n := range nodes {
		peers[i] = c.member(n).Peer()
	}
	c.sides.split(peers)
	c.network.separate()
}

// Heal ends all cuts.
func (c *Cluster) Heal() {
	c.sides.join()
	c.network.separate()
}

// sides says which peer is on which side of the cuts. A peer that was never cut off is
// on side 0. Several goroutines ask: hosts may be made by programs under test.
type sides struct {
	mu   sync.Mutex // guards the rest
	of   map[peer.ID]int32
	last int32
}

func newSides() *sides { return &sides{of: make(map[peer.ID]int32)} }

// split puts peers on a new side. A peer that was cut off before leaves the side on which it
// was, so a second cut of one node takes it from the others of the first.
func (s *sides) split(peers []peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	for _, p := range peers {
		s.of[p] = s.last
	}
}

// join puts all peers on side 0.
func (s *sides) join() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.of)
}

// side returns the side that a peer is on.
func (s *sides) side(p peer.ID) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[p]
}
