package node

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// deafAfter is how long a peer may be connected and not in the topic in which
// it was before: longer than its gossip takes to restart.
const deafAfter = 5 * time.Second

// deafness finds the peers to which gossip has ended although they are
// connected. GossipSub forgets what a peer subscribes to when one of two
// connections to it breaks, as happens when a partition heals, and the peer,
// whose own stream went on, never says it again.
type deafness struct {
	node *Node
	// since is when a peer that was in the topic was first missed; zero for
	// those that are in it. Only connected peers have an entry.
	since map[peer.ID]time.Time
}

func newDeafness(n *Node) *deafness { return &deafness{node: n, since: make(map[peer.ID]time.Time)} }

// of gives, and forgets, the peers that are deaf, once a second given those
// that are in the topic.
func (d *deafness) of(members []peer.ID, now time.Time) (deaf []peer.ID) {
	missing := make(map[peer.ID]bool, len(d.since))
	for p := range d.since {
		missing[p] = true
	}
	for _, p := range members {
		d.since[p] = time.Time{}
		delete(missing, p)
	}
	for p := range missing {
		switch {
		case d.node.host.Network().Connectedness(p) != network.Connected:
			delete(d.since, p)
		case d.since[p].IsZero():
			d.since[p] = now
		case now.Sub(d.since[p]) > deafAfter:
			delete(d.since, p)
			deaf = append(deaf, p)
		}
	}
	return deaf
}
