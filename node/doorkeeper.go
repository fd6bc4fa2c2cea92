package node

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// doorkeeper bounds the sessions that are answered at once, in all and a peer.
type doorkeeper struct {
	mu     sync.Mutex // guards all and byPeer
	all    int
	byPeer map[peer.ID]int
}

func newDoorkeeper() *doorkeeper { return &doorkeeper{byPeer: make(map[peer.ID]int)} }

// enter admits one more session of the peer, until leave is called.
func (d *doorkeeper) enter(p peer.ID) (leave func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= respondersMax || d.byPeer[p] >= respondersPerPeer {
		return nil, false
	}
	d.all++
	d.byPeer[p]++
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all--
		if d.byPeer[p]--; d.byPeer[p] == 0 {
			delete(d.byPeer, p)
		}
	}, true
}

// serves reports whether a session of the peer is being answered.
func (d *doorkeeper) serves(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byPeer[p] > 0
}
