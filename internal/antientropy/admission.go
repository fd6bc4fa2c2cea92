package antientropy

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// RespondersMax and respondersPerPeer bound the sessions of others that are answered
// at once: a peer has one, and one more while the first is ending. A message has at most
// 256 KiB, so the messages that are being read take 8 MiB at most. A peer that is turned
// away is answered unavailable, and tries again later.
const (
	RespondersMax     = 32
	respondersPerPeer = 2
)

// An admission bounds the sessions that are answered at once, in all and of one peer.
type admission struct {
	mu     sync.Mutex // guards all, byPeer
	all    int
	byPeer map[peer.ID]int
}

func newAdmission() *admission { return &admission{byPeer: make(map[peer.ID]int)} }

// enter admits one more session of the peer, until leave is called. The caller
// calls leave once, whatever becomes of the session.
func (a *admission) enter(p peer.ID) (leave func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all >= RespondersMax || a.byPeer[p] >= respondersPerPeer {
		return nil, false
	}
	a.all++
	a.byPeer[p]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all--
		if a.byPeer[p]--; a.byPeer[p] == 0 {
			delete(a.byPeer, p)
		}
	}, true
}

// serves reports whether a session of the peer is being answered.
func (a *admission) serves(p peer.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byPeer[p] > 0
}
