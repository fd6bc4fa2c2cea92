package node

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// bookmarksMax bounds the bulk transfers that ended early and are remembered.
const bookmarksMax = 64

// syncMemory is what one session leaves for the next ones of this incarnation.
// It only saves work.
type syncMemory struct {
	mu          sync.Mutex // guards the rest
	incarnation crdt.Stamp
	deferred    reconcile.Deferred
	bookmarks   map[peer.ID]reconcile.Bookmark
}

// options is what a session with the peer may know.
func (m *syncMemory) options(p peer.ID, incarnation crdt.Stamp) reconcile.Options {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(incarnation)
	return reconcile.Options{Deferred: m.deferred.Clone(), Bookmark: m.bookmarks[p]}
}

// ended notes how a session ended.
func (m *syncMemory) ended(p peer.ID, incarnation crdt.Stamp, mark reconcile.Bookmark, r reconcile.Result, now crdt.Stamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(incarnation)
	for _, h := range r.Future {
		m.deferred.Add(h, now)
	}
	delete(m.bookmarks, p)
	if mark.Cursor != 0 && len(m.bookmarks) < bookmarksMax {
		m.bookmarks[p] = mark
	}
}

// skip notes heroes that gossip brought too early.
func (m *syncMemory) skip(heroes []crdt.Hero, now crdt.Stamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range heroes {
		m.deferred.Add(h, now)
	}
}

// of forgets what belongs to another incarnation: a new one has nothing of what
// the one before had received.
func (m *syncMemory) of(incarnation crdt.Stamp) {
	if m.incarnation != incarnation || m.bookmarks == nil {
		m.incarnation = incarnation
		m.bookmarks = make(map[peer.ID]reconcile.Bookmark)
	}
}
