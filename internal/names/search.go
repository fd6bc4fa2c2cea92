package names

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// candidatesMax bounds the peers of the directory that are asked for a name. Anybody
	// can claim any name, so there may be as many as the directory holds.
	candidatesMax = 8
	// preferFor is for how long a search waits for a better candidate, and spares
	// the DHT. It is enough for a city at the other end of the world to answer, and
	// all that a dead one delays a lookup.
	preferFor = 500 * time.Millisecond
	// apartTimeout bounds the search for a city that is known only through others. That one
	// is not dialed: it was asked in vain, and is asked again at each of its presences.
	// Another holder of the name, whom the DHT knows, is mostly found in less.
	apartTimeout = 1500 * time.Millisecond
	// KnownTimeout bounds the search for a city that the directory knows and that
	// does not answer. It is a little more than one question takes. Who wants the
	// city asks again, and then the city may be back.
	KnownTimeout = 6 * time.Second
	// SilentTimeout bounds it where all that the directory knows by the name are suspect
	// or have failed: long enough for one that is back to say so.
	SilentTimeout = 1500 * time.Millisecond
)

// A search is one lookup of a name. The goroutine that begins the search owns it.
// Each candidate has another goroutine, which sends one finding and ends.
type search struct {
	names    *Names
	asker    peer.ID // is not the answer
	name     string
	known    []membership.Entry // whom the directory knows by the name, the best first
	apart    []Apart            // who is known by the name only through others
	findings chan finding
	asking   sync.WaitGroup
	panics   supervise.Relay
	said     []*finding // by candidate; nil where it has not said anything yet
	pending  int        // how many have been asked and have not said anything
}

// A finding is what a candidate said. The candidates are the known peers and, after
// them, the DHT.
type finding struct {
	candidate int
	peer      peer.AddrInfo
	err       error
}

// search is for an asker whom the directory does not know by the name. It asks all peers
// that the directory knows by it at once, and the DHT after preferFor or once all of them
// have failed. Before preferFor is over the best of those that confirm the name wins: alive
// before gone, then the one known first. After that the first that confirms the name wins.
func (n *Names) search(ctx context.Context, asker peer.ID, name string) (peer.AddrInfo, error) {
	apart := n.cfg.Apart(name)
	known := slices.DeleteFunc(n.cfg.Directory.Named(name), func(e membership.Entry) bool { return isApart(apart, e.Peer) })
	known = known[:min(len(known), candidatesMax)]
	s := &search{
		names: n, asker: asker, name: name, known: known, apart: apart,
		findings: make(chan finding, len(known)+1),
		said:     make([]*finding, len(known)+1),
	}
	// Deferred calls run in reverse order: the questions are ended, all of them have
	// ended, and then a panic of one is passed on to whoever waits for the search.
	defer s.panics.Rethrow()
	defer s.asking.Wait()
	searchCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Where all of them have said goodbye none is waited for, and only the DHT can tell
	// of another holder, which takes its own time.
	bound := boundOf(known)
	if s.onlyApart() {
		bound = apartTimeout
	}
	if bound > 0 {
		defer time.AfterFunc(bound, cancel).Stop()
	}
	found := s.run(searchCtx)
	switch {
	case found != nil:
		return found.peer, nil
	case ctx.Err() != nil:
		return peer.AddrInfo{}, fmt.Errorf("look up %s: %w", name, ctx.Err())
	}
	return peer.AddrInfo{}, s.failure()
}

// boundOf returns how long the peers that are known by a name are waited for, 0 where there
// is none but such as said goodbye.
func boundOf(known []membership.Entry) (bound time.Duration) {
	for _, e := range known {
		switch e.Status {
		case protocol.StatusAlive:
			return KnownTimeout
		case protocol.StatusSuspect, protocol.StatusFailed:
			bound = SilentTimeout
		}
	}
	return bound
}

// run returns what is found, or nil once all candidates have failed, as they do when
// ctx ends.
func (s *search) run(ctx context.Context) *finding {
	for i, e := range s.known {
		s.ask(i, func() (peer.AddrInfo, error) {
			c, err := s.names.claimOf(ctx, e.Peer, s.name)
			return c.holder, err
		})
	}
	prefer := time.NewTimer(preferFor)
	defer prefer.Stop()
	for over, inDHT := false, false; ; {
		if w := s.winner(over); w != nil {
			return w
		}
		if !inDHT && (over || s.pending == 0) {
			inDHT = true
			s.ask(len(s.known), func() (peer.AddrInfo, error) { return s.inDHT(ctx) })
		}
		if s.pending == 0 {
			return nil
		}
		select {
		case <-prefer.C:
			over = true
		case f := <-s.findings:
			s.said[f.candidate] = &f
			s.pending--
		}
	}
}

// ask begins a goroutine that finds out what a candidate says.
func (s *search) ask(candidate int, find func() (peer.AddrInfo, error)) {
	s.pending++
	s.asking.Go(func() {
		f := finding{candidate: candidate}
		f.err = s.panics.Guard(func() (err error) {
			f.peer, err = find()
			return err
		})
		s.findings <- f
	})
}

// inDHT asks the peers that provide the name in the DHT.
func (s *search) inDHT(ctx context.Context) (peer.AddrInfo, error) {
	// The DHT verifies on goroutines of its own, where a panic would end the process.
	var panics supervise.Relay
	defer panics.Rethrow()
	return s.names.cfg.DHT.Lookup(ctx, s.name, func(ctx context.Context, candidate peer.AddrInfo) error {
		return panics.Guard(func() error {
			// This answer counts as said, so that the asker alone does not leave the
			// search undecided.
			if candidate.ID == s.asker {
				return fmt.Errorf("peer %s asks itself: %w", s.asker, bootstrap.ErrOtherCity)
			}
			if isApart(s.apart, candidate.ID) {
				return fmt.Errorf("peer %s cannot be reached from here", candidate.ID)
			}
			_, err := s.names.claimOf(ctx, candidate.ID, s.name)
			return err
		})
	})
}

// winner returns the best of those that have confirmed the name. It returns nil if
// there is none, or if a better one may still confirm it and the time is not over.
func (s *search) winner(over bool) *finding {
	for _, f := range s.said {
		switch {
		case f == nil && !over:
			return nil
		case f != nil && f.err == nil:
			return f
		}
	}
	return nil
}

// failure returns the error of a search in which nobody has confirmed the name. The
// city is unavailable if a peer may be it: a peer that has not left, and has not said
// that it is another city. A caller may give up for good where there is no such city,
// so what is not certain must not read like that.
func (s *search) failure() error {
	if s.onlyApart() {
		return protocol.Errorf(protocol.Unavailable, "%w", s.apart[0].Why)
	}
	for i, e := range s.known {
		if err := s.said[i].err; !errors.Is(err, bootstrap.ErrOtherCity) && !s.left(e.Peer) {
			return protocol.Errorf(protocol.Unavailable, "city %s does not answer%s: %w", s.name, doubt(e.Status), err)
		}
	}
	err := s.said[len(s.known)].err
	if !s.decided(err) {
		return protocol.Errorf(protocol.Unavailable, "it cannot be told whether there is a city %s: %w", s.name, err)
	}
	return protocol.Errorf(protocol.NotFound, "no city %s is reachable on network %s: %w", s.name, s.names.cfg.Network, err)
}

// onlyApart reports whether a city of the name is known through others, and none that may
// answer.
func (s *search) onlyApart() bool {
	return len(s.apart) > 0 && !slices.ContainsFunc(s.known, func(e membership.Entry) bool { return e.Status == protocol.StatusAlive })
}

// isApart reports whether a peer is one of those.
func isApart(some []Apart, p peer.ID) bool {
	return slices.ContainsFunc(some, func(a Apart) bool { return a.Peer == p })
}

// doubt returns what is to be added to "does not answer" of a city with a status.
func doubt(status protocol.CityStatus) string {
	switch status {
	case protocol.StatusSuspect:
		return ", it is suspect"
	case protocol.StatusFailed:
		return ", it has failed"
	}
	return ""
}

// decided reports whether a search of the DHT that failed leaves nobody who may be
// the city.
func (s *search) decided(err error) bool {
	undecided, ok := errors.AsType[*bootstrap.UndecidedError](err)
	if !ok {
		return errors.Is(err, bootstrap.ErrNameNotFound)
	}
	return !undecided.Short && !slices.ContainsFunc(undecided.Silent, func(p peer.ID) bool { return !s.left(p) })
}

// left reports whether a peer is a city that has said goodbye.
func (s *search) left(p peer.ID) bool {
	e, ok := s.names.cfg.Directory.Get(p)
	return ok && e.Status == protocol.StatusLeft
}
