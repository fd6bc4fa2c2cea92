package sim

import (
	"time"

	"github.com/citynode/citynode/city"
)

const (
	// aloneAfter is how long a started city waits for a first neighbour.
	aloneAfter = 2 * time.Second
	// stuckAfter is how long attempts must have failed without progress, and
	// stuckAttempts how many, for a city to open without a sync.
	stuckAfter    = 5 * time.Second
	stuckAttempts = 2
	// retryAfter is the pause between two attempts at a first sync.
	retryAfter = 500 * time.Millisecond
	// firstPeers is how many peers a started city syncs with at once.
	firstPeers = 2
)

// opening is how far a started city is from knowing what its neighbours know.
type opening struct {
	life     int
	failed   int
	progress time.Duration // true time of the start, or of the last progress
}

func (n *node) beginOpening() {
	n.door = opening{life: n.life, progress: n.w.now}
	peers := n.peers()
	for _, i := range n.w.rng.Perm(len(peers))[:min(firstPeers, len(peers))] {
		n.attempt(peers[i])
	}
	if len(peers) == 0 {
		n.waitForSomebody()
	}
}

// waitForSomebody opens the city if nobody can be reached for a while.
func (n *node) waitForSomebody() {
	life := n.life
	n.w.after(aloneAfter, "alone?", func() {
		if n.life != life || !n.opening() {
			return
		}
		if len(n.peers()) == 0 {
			n.openAlone()
			return
		}
		n.attemptSomebody()
	})
}

func (n *node) attemptSomebody() {
	peers := n.peers()
	if len(peers) == 0 {
		n.waitForSomebody()
		return
	}
	n.attempt(peers[n.w.rng.IntN(len(peers))])
}

func (n *node) attempt(with *node) {
	life := n.life
	n.w.sync(n, with, func(err error) {
		if n.life != life || !n.opening() || err == nil {
			return
		}
		n.door.failed++
		if n.door.failed >= stuckAttempts && n.w.now-n.door.progress >= stuckAfter {
			n.openAlone()
			return
		}
		n.w.after(retryAfter, "try again", func() {
			if n.life == life && n.opening() {
				n.attemptSomebody()
			}
		})
	})
}

func (n *node) opening() bool { return n.core != nil && !n.core.IsOpen() }

func (n *node) openAlone() {
	n.w.counts.OpenedAlone++
	n.w.tracef("%v opens alone", n)
	n.step(city.Open{})
}

// learned is told of each complete sync, as initiator or responder.
func (n *node) learned() {
	if n.opening() {
		n.w.tracef("%v opens", n)
		n.step(city.Open{})
	}
}

// peers returns the cities that are connected with this one.
func (n *node) peers() []*node {
	var peers []*node
	for _, other := range n.w.nodes {
		if other != n && other.life > 0 && n.w.links.connected(n, other) {
			peers = append(peers, other)
		}
	}
	return peers
}
