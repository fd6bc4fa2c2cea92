package membership

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// laneQueueMax bounds the peers that wait in each of a lane's two queues. A peer that does
// not fit is asked at its next presence. It also bounds what is remembered of them: a peer
// is in one queue, or with one of the workers, at most once.
const laneQueueMax = 256

// The lanes of questions, by whose word a peer is asked on.
const (
	// laneKnown has the cities of the directory. Nobody gets there by a presence alone, so
	// that a city that has died is noticed whatever strangers say.
	laneKnown = iota
	// laneConnected has peers that are connected and not known. A newcomer that connects
	// waits for no one who has only been heard of.
	laneConnected
	// laneHeard has peers of whom there is a presence and nothing else. Whoever makes keys
	// can fill it.
	laneHeard
	lanes
)

// A lane is where questions of one kind wait, and who asks them. Peers that kept a worker
// waiting last time have a queue of their own, which some workers do not serve. So a new
// city never waits for those who show themselves again and do not answer, however many
// there are.
type lane struct {
	prompt chan peer.ID // peers that answered promptly last time, or were not asked yet
	tardy  chan peer.ID // the others
	// workers is how many peers are asked at once, promptOnly how many of the workers serve
	// the prompt queue alone. A question to a dead peer takes patience; with several at
	// once the living need not wait for it.
	workers, promptOnly int
	// patience bounds a question to a peer of the prompt queue.
	patience time.Duration
}

// newLanes returns the lanes, empty.
func newLanes() (all [lanes]lane) {
	for i := range all {
		all[i] = lane{
			prompt: make(chan peer.ID, laneQueueMax), tardy: make(chan peer.ID, laneQueueMax),
			workers: 4, promptOnly: 1, patience: ConfirmTimeout,
		}
	}
	// To ask a peer that is connected costs a stream, and an answer takes two round trips.
	// Ten new keys a second that connect and never answer hold twenty of these up; each
	// goes behind the others then, and is asked once more, with all of ConfirmTimeout.
	connected := &all[laneConnected]
	connected.workers, connected.promptOnly, connected.patience = 32, 24, 2*time.Second
	return all
}

// laneOf returns the lane of a peer.
func laneOf(known, connected bool) int {
	switch {
	case known:
		return laneKnown
	case connected:
		return laneConnected
	}
	return laneHeard
}
