package antientropy

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// strikesMax is how often a peer may do what no correct program does before
	// nothing is synced with the peer for strikeLife. It is more than one, since a
	// new version of a program may have a fault that shows rarely. The turns of an intake
	// have the same bound, since a line may break once or twice.
	strikesMax = 3
	strikeLife = 10 * time.Minute
	// struckMax bounds the peers whose strikes are remembered. To be forgotten before
	// its time a peer needs as many others that strike, each with a key of its own.
	struckMax = 1024
)

// strikes count, against each peer, what may happen once and must not happen often.
type strikes struct {
	mu     sync.Mutex // guards byPeer, and what it points to
	byPeer *lru.Cache[peer.ID, *strike]
}

// A strike is how often a peer has done so, and when last.
type strike struct {
	count int
	last  time.Time
}

// newStrikes returns strikes in which no peer has any.
func newStrikes() *strikes {
	byPeer, err := lru.New[peer.ID, *strike](struckMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &strikes{byPeer: byPeer}
}

// add counts one more against the peer. A peer that was good for strikeLife begins
// anew.
func (s *strikes) add(p peer.ID, now time.Time) { s.addMany(p, 1, now) }

// bar counts as many against the peer as put the peer out.
func (s *strikes) bar(p peer.ID, now time.Time) { s.addMany(p, strikesMax, now) }

func (s *strikes) addMany(p peer.ID, count int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, ok := s.byPeer.Get(p)
	if !ok || now.Sub(of.last) > strikeLife {
		of = new(strike)
		s.byPeer.Add(p, of)
	}
	of.count += count
	of.last = now
}

// barred reports whether the peer is out for now.
func (s *strikes) barred(p peer.ID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, ok := s.byPeer.Get(p)
	return ok && of.count >= strikesMax && now.Sub(of.last) <= strikeLife
}
