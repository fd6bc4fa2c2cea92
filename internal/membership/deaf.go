package membership

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// deafAfter is how long a peer may be connected and not in the topic in which
// it was before: longer than its gossip takes to restart.
const deafAfter = 5 * time.Second

// A deafDetector finds the peers to which gossip has ended although they are
// connected. GossipSub forgets what a peer subscribes to when one of two
// connections to the peer breaks, as happens when a partition heals. The peer,
// whose own stream went on, never says it again. And GossipSub opens a stream anew
// only four times in ten minutes: two processes with one key, each of which ends
// the other's streams, use that up in a second.
type deafDetector struct {
	host host.Host

	mu sync.Mutex // guards missing
	// missing is since when a peer that was in the topic is not; zero for a peer
	// that is in the topic. Only connected peers have an entry.
	missing map[peer.ID]time.Time
}

func newDeafDetector(h host.Host) *deafDetector {
	return &deafDetector{host: h, missing: make(map[peer.ID]time.Time)}
}

// passed notes that a peer has passed on what was published in the topic. So it is in the
// topic, or was a moment ago, which may have been too short to be seen.
func (d *deafDetector) passed(p peer.ID) {
	if d.host.Network().Connectedness(p) != network.Connected {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.missing[p]; !known {
		d.missing[p] = time.Time{}
	}
}

// expire returns the peers that have been missing from the topic for deafAfter and
// stops tracking them. Call it once a second with the topic's present members.
func (d *deafDetector) expire(members []peer.ID, now time.Time) (deaf []peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	absent := make(map[peer.ID]bool, len(d.missing))
	for p := range d.missing {
		absent[p] = true
	}
	for _, p := range members {
		d.missing[p] = time.Time{}
		delete(absent, p)
	}
	for p := range absent {
		switch {
		case d.host.Network().Connectedness(p) != network.Connected:
			delete(d.missing, p)
		case d.missing[p].IsZero():
			d.missing[p] = now
		case now.Sub(d.missing[p]) > deafAfter:
			delete(d.missing, p)
			deaf = append(deaf, p)
		}
	}
	return deaf
}
