package node

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
)

// joinNewsEvery is how often the progress of a bulk transfer is told.
const joinNewsEvery = time.Second

// JoinProgress is how far the transfer of another city's whole state has come.
type JoinProgress struct {
	City string
	Peer peer.ID
	// Entries have come, of about Of.
	Entries, Of uint64
}

// joining follows bulk transfers.
type joining struct {
	log  *slog.Logger
	name func(peer.ID) string
	tell func(JoinProgress)

	mu   sync.Mutex // guards the rest
	now  *JoinProgress
	told time.Time
}

// note takes in what a session has come to.
func (j *joining) note(p peer.ID, r reconcile.Result) {
	if !r.Bulk || r.Complete {
		return
	}
	progress := JoinProgress{Peer: p, Entries: r.EntriesIn, Of: r.Peer.Summary.Heroes + r.Peer.Summary.Tombstones}
	j.mu.Lock()
	if j.now != nil && j.now.Peer == p {
		progress.City = j.now.City
	} else {
		progress.City = j.name(p)
	}
	j.now = &progress
	news := time.Since(j.told) >= joinNewsEvery
	if news {
		j.told = time.Now()
	}
	j.mu.Unlock()
	if !news {
		return
	}
	j.log.Info("state is coming", "city", progress.City, "peer", p, "entries", progress.Entries, "of", progress.Of)
	if j.tell != nil {
		j.tell(progress)
	}
}

// over ends the account of a transfer from the peer.
func (j *joining) over(p peer.ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now != nil && j.now.Peer == p {
		j.now = nil
	}
}

// progress is that of the transfer that is running, nil if there is none.
func (j *joining) progress() *JoinProgress {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}
