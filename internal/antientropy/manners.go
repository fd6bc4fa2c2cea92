package antientropy

import (
	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
)

// mannersMax bounds the peers whose last session is remembered. Whoever is forgotten is
// treated as one with whom there was none.
const mannersMax = 1024

// manners are how the last session with each peer ended. A settle begins with those that
// have shown that they answer, for somebody waits for it. Safe for concurrent use.
type manners struct{ byPeer *lru.Cache[peer.ID, manner] }

// A manner is how the last session with a peer ended. They are in the order in which a
// settle asks.
type manner uint8

const (
	answers manner = iota // it was complete
	strange               // there was none, or it ended otherwise
	silent                // the peer did not answer at all
)

// newManners returns manners of peers with whom there was no session yet.
func newManners() *manners {
	byPeer, err := lru.New[peer.ID, manner](mannersMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &manners{byPeer: byPeer}
}

// note remembers how a session has ended.
func (m *manners) note(p peer.ID, how manner) { m.byPeer.Add(p, how) }

// of returns how the last session with a peer ended.
func (m *manners) of(p peer.ID) manner {
	if how, known := m.byPeer.Get(p); known {
		return how
	}
	return strange
}
