package antientropy

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/wake"
)

// requestsMax bounds the peers that wait for a session.
const requestsMax = 256

// requests are the sessions that are wanted, at most one a peer.
type requests struct {
	wake wake.Signal // is set when there is something to look at

	mu     sync.Mutex // guards byPeer
	byPeer map[peer.ID]request
}

// A request wants a session with one peer.
type request struct {
	since time.Time // a complete session that began later fulfils the request
	due   time.Time // a session begins no earlier
}

func newRequests() *requests {
	return &requests{wake: wake.NewSignal(), byPeer: make(map[peer.ID]request)}
}

// add requests a session with the peer after a pause. It never blocks. What is beyond
// requestsMax is left to the random rounds.
func (r *requests) add(p peer.ID, after time.Duration) {
	now := time.Now()
	r.mu.Lock()
	old, known := r.byPeer[p]
	switch due := now.Add(after); {
	case known:
		// The reason is as new as now: a session that began before may have missed it.
		// The pause of an earlier reason holds still.
		r.byPeer[p] = request{since: now, due: sooner(old.due, due)}
	case len(r.byPeer) < requestsMax:
		r.byPeer[p] = request{since: now, due: due}
	}
	r.mu.Unlock()
	r.wake.Set()
}

// fulfilled forgets a request that is older than a complete session, whichever side
// began the session. A session that began before the request may have compared what was
// older.
func (r *requests) fulfilled(p peer.ID, begun time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, known := r.byPeer[p]; known && !old.since.After(begun) {
		delete(r.byPeer, p)
	}
}

// take removes and returns up to room requests that are due, the longest due first, but
// for peers that are busy. It also returns how long until the next is due. The session
// of a request that was taken may fail: then whoever wanted it asks again, or a random
// round brings what is missing.
func (r *requests) take(now time.Time, room int, busy func(peer.ID) bool) (due []peer.ID, next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = idleEvery
	for p, wanted := range r.byPeer {
		switch wait := wanted.due.Sub(now); {
		case wait > 0:
			next = min(next, wait)
		case !busy(p): // otherwise once that session has ended
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(x, y peer.ID) int {
		return cmp.Or(r.byPeer[x].due.Compare(r.byPeer[y].due), cmp.Compare(x, y))
	})
	due = due[:min(len(due), max(0, room))]
	for _, p := range due {
		delete(r.byPeer, p)
	}
	return due, next
}

// sooner returns the earlier of two times.
func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
