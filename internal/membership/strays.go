package membership

import (
	"context"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

const (
	// strayAfter is for how many looks, one a second, a peer is left alone: a city that
	// starts is in the topic for up to three seconds before it serves.
	strayAfter = 4
	// strayEvery is after how many looks at most a peer that stays a stray is asked again.
	strayEvery = 64
)

// strays counts how often each peer was seen that gossips as cities do and is not a
// neighbour. A city that begins to serve tells its neighbours so, once; but libp2p may take
// that before the older word that the city does not serve, and keep the latter
// (go-libp2p#823). Where fifty cities start at once this befalls some pair of them in ten
// of eleven starts. Such a city is known only by its next presence, after minutes in a large
// network, and is never synced with. So strays are found by looking.
type strays struct{ looks map[peer.ID]int }

// due returns those of the peers in the topic that are to be asked now: the fourth time
// that they are seen as strays, the eighth, and so on, up to each 64th. Call it once a
// second. It remembers only peers that are in the topic.
func (s *strays) due(members []peer.ID, isNeighbour func(peer.ID) bool) (ask []peer.ID) {
	still := make(map[peer.ID]int)
	for _, p := range members {
		if isNeighbour(p) {
			continue
		}
		n := s.looks[p] + 1
		still[p] = n
		if n >= strayAfter && n&(n-1) == 0 || n%strayEvery == 0 {
			ask = append(ask, p)
		}
	}
	s.looks = still
	return ask
}

// isNeighbour reports whether a connected peer is in the directory and counts as a
// neighbour. It is true for a peer that is none, and need not be: one that is not connected,
// and one that has left.
func (m *Members) isNeighbour(p peer.ID) bool {
	known, ok := m.cfg.Directory.Get(p)
	apart := m.cfg.Host.Network().Connectedness(p) != network.Connected
	return apart || ok && (known.Status == protocol.StatusLeft || m.cfg.Neighbours.Has(p))
}

// learn has libp2p find out which of a city's protocols a peer speaks that has just answered
// as a city, where libp2p does not say that it speaks all.
func (m *Members) learn(ctx context.Context, p peer.ID) {
	spoken, err := m.cfg.Host.Peerstore().SupportsProtocols(p, m.cfg.Protocols...)
	if err != nil || len(spoken) == len(m.cfg.Protocols) {
		return
	}
	for _, id := range m.cfg.Protocols {
		s, err := m.cfg.Host.NewStream(ctx, p, id)
		if err != nil {
			m.log.Debug("city does not speak a protocol", "peer", p, "protocol", id, "err", err)
			return
		}
		_ = s.Close() // nothing was asked on it
	}
}
