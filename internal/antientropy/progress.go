package antientropy

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
)

// newsEvery is how often the progress of a transfer is told. Pages come many
// times a second, and people read what is told.
const newsEvery = time.Second

// Progress is how far the transfer of another city's whole state has come.
type Progress struct {
	City string
	Peer peer.ID
	// Entries have come, of about Of. Of is what the other city said at the start. It
	// may be wrong, and serves to be shown only.
	Entries, Of uint64
}

// A follower follows the transfer of a whole state, and tells of it now and then. Of
// several transfers at once it shows the one that has moved last.
type follower struct {
	log  *slog.Logger
	name func(peer.ID) string
	tell func(Progress)

	mu   sync.Mutex // guards now, told
	now  *Progress
	told time.Time
}

// note notes how far a session has come.
func (f *follower) note(p peer.ID, r reconcile.Result) {
	if !r.Bulk || r.Complete {
		return
	}
	progress := Progress{Peer: p, Entries: r.EntriesIn, Of: r.Peer.Summary.Heroes + r.Peer.Summary.Tombstones}
	f.mu.Lock()
	if f.now != nil && f.now.Peer == p {
		progress.City = f.now.City
	} else {
		progress.City = f.name(p)
	}
	f.now = &progress
	news := time.Since(f.told) >= newsEvery
	if news {
		f.told = time.Now()
	}
	f.mu.Unlock()
	if !news {
		return
	}
	f.log.Info("state is coming", "city", progress.City, "peer", p, "entries", progress.Entries, "of", progress.Of)
	f.tell(progress)
}

// over forgets the transfer from the peer.
func (f *follower) over(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now != nil && f.now.Peer == p {
		f.now = nil
	}
}

// progress returns how far the running transfer has come, or nil if none is running.
func (f *follower) progress() *Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}
