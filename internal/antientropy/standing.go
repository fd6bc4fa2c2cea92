package antientropy

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// standingAfter is how long after its first session a peer has standing, whether that
	// was complete or brought more than the city takes of a stranger. A flood by peers that
	// nobody knew is noticed by then.
	standingAfter = time.Minute
	// foundersWithin is how soon after this node opened for the first time a peer must
	// have its first complete session to have standing at once. A city that starts takes
	// whatever is there, so who is there then need not wait.
	foundersWithin = 5 * time.Second
	// standingMax bounds the peers with standing, and candidatesMax those that may get it,
	// at about 100 bytes each. Nobody takes the place of a peer with standing until that
	// was not synced with for standingKept, however many keys a stranger makes up.
	standingMax   = 1024
	candidatesMax = 1024
	standingKept  = 72 * time.Hour
)

// A standing knows the peers with which this node has exchanged states for some time.
// They may bring more of what the city has not heard of than a stranger may, since a
// partition between them may last; see city.Update. It is about this process, not about
// an incarnation. Its methods are safe for concurrent use.
type standing struct {
	mu         sync.Mutex // guards all below
	opened     time.Time  // zero: not yet
	met        bool       // the present incarnation has had a complete session
	known      map[peer.ID]time.Time
	candidates *lru.Cache[peer.ID, time.Time]
}

func newStanding() *standing {
	candidates, err := lru.New[peer.ID, time.Time](candidatesMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &standing{known: make(map[peer.ID]time.Time), candidates: candidates}
}

// open notes that the city is open. The first time counts.
func (s *standing) open(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened.IsZero() {
		s.opened = now
	}
}

// begin notes that a new incarnation has started.
func (s *standing) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met = false
}

// lonely reports whether the present incarnation has never had a complete session.
func (s *standing) lonely() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.met
}

// synced notes a complete session with a peer.
func (s *standing) synced(p peer.ID, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met = true
	s.note(p, now, s.opened.IsZero() || now.Sub(s.opened) <= foundersWithin)
}

// sated notes a session with a peer that ended since it brought more than the city takes
// of a stranger: one that holds much must not wait for standing until all has come.
func (s *standing) sated(p peer.ID, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(p, now, false)
}

// note notes a session with a peer. Callers hold mu.
func (s *standing) note(p peer.ID, now time.Time, founder bool) {
	if _, known := s.known[p]; known {
		s.known[p] = now
		return
	}
	first, seen := s.candidates.Get(p)
	if !seen {
		first = now
		s.candidates.Add(p, now)
	}
	if founder || now.Sub(first) >= standingAfter {
		s.enter(p, now)
	}
}

// enter gives a peer standing, if there is a place. Callers hold mu.
func (s *standing) enter(p peer.ID, now time.Time) {
	if len(s.known) >= standingMax {
		for other, last := range s.known {
			if now.Sub(last) > standingKept {
				delete(s.known, other)
			}
		}
	}
	if len(s.known) < standingMax {
		s.known[p] = now
		s.candidates.Remove(p)
	}
}

// has reports whether a peer has standing.
func (s *standing) has(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.known[p]
	return known
}
