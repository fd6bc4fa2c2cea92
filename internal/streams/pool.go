package streams

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// A Pool keeps what is open to peers and not in use. To open a stream anew costs a
// call as much again as the call itself. Its methods are safe for concurrent use.
type Pool[T any] struct {
	perPeer int // the most that is kept of one peer
	all     int // the most that is kept in all
	close   func(T)

	mu     sync.Mutex // guards byPeer, count
	byPeer map[peer.ID][]T
	count  int
}

// NewPool returns an empty pool that keeps at most perPeer of one peer and at most
// all together. It closes with closeOne what it does not keep.
func NewPool[T any](perPeer, all int, closeOne func(T)) *Pool[T] {
	return &Pool[T]{perPeer: perPeer, all: all, close: closeOne, byPeer: make(map[peer.ID][]T)}
}

// Take removes and returns the one that was put last of those kept for the peer. It
// reports false if there is none. The last has been idle for the shortest time, so it
// is the likeliest to be open still at the other end.
func (s *Pool[T]) Take(p peer.ID) (one T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.byPeer[p]
	if len(own) == 0 {
		return one, false
	}
	last := len(own) - 1
	one = own[last]
	s.count--
	if last == 0 {
		delete(s.byPeer, p)
	} else {
		s.byPeer[p] = own[:last]
	}
	return one, true
}

// Put keeps one for a later Take, or closes it where there is no room.
func (s *Pool[T]) Put(p peer.ID, one T) {
	s.mu.Lock()
	room := len(s.byPeer[p]) < s.perPeer && s.count < s.all
	if room {
		s.byPeer[p] = append(s.byPeer[p], one)
		s.count++
	}
	s.mu.Unlock()
	// Closing may wait for the network, so the lock is not held any more.
	if !room {
		s.close(one)
	}
}

// CloseAll closes all that is kept now. The pool goes on: what is put later is kept.
// Call it once nobody puts any more.
func (s *Pool[T]) CloseAll() {
	s.mu.Lock()
	byPeer := s.byPeer
	s.byPeer, s.count = make(map[peer.ID][]T), 0
	s.mu.Unlock()
	for _, some := range byPeer {
		for _, one := range some {
			s.close(one)
		}
	}
}
