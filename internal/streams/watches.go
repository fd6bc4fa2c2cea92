package streams

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

const (
	// watchesMax bounds the watches of callers. The city has room for 256 watchers; what
	// is left is for the node's own program, which watches without a call.
	watchesMax = 240
	// watchesOfPeer bounds those of one caller, the node's own program among them: a page
	// for each of many people, and a quarter of all.
	watchesOfPeer = 64
)

// Watches divide the watches of a city among callers. Where all are taken, a caller is given one
// that the caller with the most has to give up, as long as that leaves the latter with no
// fewer. So nobody can keep others from watching with less than a connection for each
// watch.
type Watches struct {
	mu     sync.Mutex // guards byPeer, count
	byPeer map[string][]*WatchShare
	count  int
}

// A WatchShare is a caller's right to one watch.
type WatchShare struct {
	peer string
	end  context.CancelCauseFunc // ends the watch
}

// NewWatches returns shares of which none is taken.
func NewWatches() *Watches {
	return &Watches{byPeer: make(map[string][]*WatchShare)}
}

// Take returns a share for a caller's watch, which end will end with an error that matches
// protocol.ErrBusy if another caller needs it more. It fails with such an error where
// there is none for this caller.
func (w *Watches) Take(caller string, end context.CancelCauseFunc) (*WatchShare, error) {
	share := &WatchShare{peer: caller, end: end}
	displaced, ok := w.add(share)
	if !ok {
		return nil, protocol.Errorf(protocol.Busy, "peer %s has as many watches as it may now", peer.ID(caller))
	}
	if displaced != nil {
		displaced.end(protocol.Errorf(protocol.Busy, "others need this watch; get the state, and watch again after a pause"))
	}
	return share, nil
}

// add makes room for a share and adds it. It returns the share that had to go, if one had
// to.
func (w *Watches) add(share *WatchShare) (displaced *WatchShare, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	own := len(w.byPeer[share.peer])
	if own >= watchesOfPeer {
		return nil, false
	}
	if w.count >= watchesMax {
		most := w.greediest()
		if len(w.byPeer[most]) <= own+1 {
			return nil, false
		}
		// The latest: who has watched for long is more likely to be read.
		displaced = w.byPeer[most][len(w.byPeer[most])-1]
		w.drop(displaced)
	}
	w.byPeer[share.peer] = append(w.byPeer[share.peer], share)
	w.count++
	return displaced, true
}

// greediest returns the caller with the most watches, of several the one with the least
// peer ID; callers hold mu.
func (w *Watches) greediest() (most string) {
	for p, shares := range w.byPeer {
		if n, more := len(shares), len(w.byPeer[most]); n > more || n == more && p < most {
			most = p
		}
	}
	return most
}

// drop takes a share away, if it is still there; callers hold mu.
func (w *Watches) drop(share *WatchShare) {
	shares := w.byPeer[share.peer]
	for i, s := range shares {
		if s != share {
			continue
		}
		w.byPeer[share.peer] = append(shares[:i:i], shares[i+1:]...)
		w.count--
	}
	if len(w.byPeer[share.peer]) == 0 {
		delete(w.byPeer, share.peer)
	}
}

// GiveBack ends a share, which may have gone to another caller already.
func (w *Watches) GiveBack(share *WatchShare) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(share)
}
