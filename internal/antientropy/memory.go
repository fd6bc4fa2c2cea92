package antientropy

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// bookmarksMax bounds the transfers of whole states that ended early and are
// remembered. A transfer that has no bookmark begins anew: that costs bytes, and loses
// nothing.
const bookmarksMax = 64

// A memory is what one session leaves for the next ones of this incarnation. It only
// saves work. The zero memory is ready for use.
type memory struct {
	mu          sync.Mutex // guards incarnation, deferred, bookmarks
	incarnation crdt.Stamp
	deferred    reconcile.Deferred
	bookmarks   map[peer.ID]reconcile.Bookmark
}

// options returns what a session with the peer may know. What it returns is the
// session's own: other sessions add to the memory meanwhile.
func (m *memory) options(p peer.ID, incarnation crdt.Stamp) reconcile.Options {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keepOnly(incarnation)
	return reconcile.Options{Deferred: m.deferred.Clone(), Bookmark: m.bookmarks[p]}
}

// ended notes how a session ended.
func (m *memory) ended(p peer.ID, incarnation crdt.Stamp, mark reconcile.Bookmark, r reconcile.Result, now crdt.Stamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keepOnly(incarnation)
	for _, h := range r.Future {
		m.deferred.Add(h, now)
	}
	// A session without a mark ended the transfer, or did not come to one.
	delete(m.bookmarks, p)
	if mark.Cursor != 0 && len(m.bookmarks) < bookmarksMax {
		m.bookmarks[p] = mark
	}
}

// skip notes heroes that gossip brought too early.
func (m *memory) skip(heroes []crdt.Hero, now crdt.Stamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range heroes {
		m.deferred.Add(h, now)
	}
}

// keepOnly forgets the bookmarks of other incarnations: a new one has nothing of what
// the one before had received. What is deferred stays: those heroes are as early for any
// incarnation. Callers hold mu.
func (m *memory) keepOnly(incarnation crdt.Stamp) {
	if m.incarnation != incarnation || m.bookmarks == nil {
		m.incarnation = incarnation
		m.bookmarks = make(map[peer.ID]reconcile.Bookmark)
	}
}
