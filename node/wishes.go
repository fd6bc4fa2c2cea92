package node

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// wishesMax bounds the peers that wait for a session.
const wishesMax = 256

// wishes are the sessions that somebody wants, one a peer.
type wishes struct {
	wake chan struct{} // has a token when there is something to look at

	mu     sync.Mutex // guards byPeer
	byPeer map[peer.ID]wish
}

type wish struct {
	since time.Time // a session that began later fulfils it
	due   time.Time
}

func newWishes() *wishes {
	return &wishes{wake: make(chan struct{}, 1), byPeer: make(map[peer.ID]wish)}
}

// add wants a session with the peer after a pause; it never blocks.
func (w *wishes) add(p peer.ID, after time.Duration) {
	now := time.Now()
	w.mu.Lock()
	old, known := w.byPeer[p]
	switch due := now.Add(after); {
	case known:
		w.byPeer[p] = wish{since: now, due: sooner(old.due, due)}
	case len(w.byPeer) < wishesMax:
		w.byPeer[p] = wish{since: now, due: due}
	}
	w.mu.Unlock()
	poke(w.wake)
}

// fulfilled forgets a wish older than a complete session, whoever began that.
func (w *wishes) fulfilled(p peer.ID, begun time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, known := w.byPeer[p]; known && !old.since.After(begun) {
		delete(w.byPeer, p)
	}
}

// take removes up to room wishes that are due, the longest due first, but for
// peers that are busy, and tells how long until the next is due.
func (w *wishes) take(now time.Time, room int, busy func(peer.ID) bool) (due []peer.ID, next time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next = syncIdle
	for p, wish := range w.byPeer {
		switch wait := wish.due.Sub(now); {
		case wait > 0:
			next = min(next, wait)
		case !busy(p): // otherwise once that session has ended
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(x, y peer.ID) int {
		return cmp.Or(w.byPeer[x].due.Compare(w.byPeer[y].due), cmp.Compare(x, y))
	})
	due = due[:min(len(due), max(0, room))]
	for _, p := range due {
		delete(w.byPeer, p)
	}
	return due, next
}

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
