package node

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// idle keeps what is open to peers and not in use, for whoever needs it next:
// a new stream costs a call twice.
type idle[T any] struct {
	perPeer int // at most so many a peer
	all     int // at most so many in all
	close   func(T)

	mu     sync.Mutex // guards the rest
	byPeer map[peer.ID][]T
	count  int
}

func newIdle[T any](perPeer, all int, closeOne func(T)) *idle[T] {
	return &idle[T]{perPeer: perPeer, all: all, close: closeOne, byPeer: make(map[peer.ID][]T)}
}

// take gives one to the peer that nobody else uses, the last one used first.
func (i *idle[T]) take(p peer.ID) (one T, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	own := i.byPeer[p]
	if len(own) == 0 {
		return one, false
	}
	last := len(own) - 1
	one = own[last]
	i.count--
	if last == 0 {
		delete(i.byPeer, p)
	} else {
		i.byPeer[p] = own[:last]
	}
	return one, true
}

// put keeps one for later, or closes it.
func (i *idle[T]) put(p peer.ID, one T) {
	i.mu.Lock()
	room := len(i.byPeer[p]) < i.perPeer && i.count < i.all
	if room {
		i.byPeer[p] = append(i.byPeer[p], one)
		i.count++
	}
	i.mu.Unlock()
	if !room {
		i.close(one)
	}
}

// closeAll closes what is idle now.
func (i *idle[T]) closeAll() {
	i.mu.Lock()
	byPeer := i.byPeer
	i.byPeer, i.count = make(map[peer.ID][]T), 0
	i.mu.Unlock()
	for _, some := range byPeer {
		for _, one := range some {
			i.close(one)
		}
	}
}
