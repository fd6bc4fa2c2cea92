package names

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// listenMax bounds the search for another holder of the name. It is shorter than the
	// usual interval of presences: a start must not take long, and a holder that is found
	// later makes the name contested, which harms nobody.
	listenMax = 3 * time.Second
	// asksMax bounds the cities that are asked whom they know. They all know the same
	// cities, but for those that have just come.
	asksMax = 8
	// rivalsMax bounds the peers that are asked whether they have the name. Anybody can
	// say of anybody that it has any name.
	rivalsMax = 8
	// lookEvery is how often the search looks for new neighbours. It asks no other host.
	lookEvery = 100 * time.Millisecond
	// heardMax bounds what is heard and not looked at yet. What does not fit is lost, as
	// gossip may be.
	heardMax = 64
)

// A rivalSearch is the search for another holder of the own name before the city serves.
//
// Until it ends nobody is told the name: not by a presence, a record in the DHT, a lookup
// or the city that a request names. A neighbour that claims every name that it is asked
// for would else stop every first start. So the search asks neighbours who they are and
// whom they know, and listens. Whoever has said the own name by then, to this city or to
// a neighbour, is asked who it is, and only its own answer counts.
//
// The goroutine that begins the search owns it. Each question has another goroutine,
// which sends one answer and ends.
type rivalSearch struct {
	names    *Names
	matters  func(claim) bool
	heard    chan saying
	answers  chan answer
	asking   sync.WaitGroup
	panics   supervise.Relay
	pending  int              // questions without an answer
	asked    map[peer.ID]bool // whom they know; at most asksMax
	rivals   map[peer.ID]bool // whether they have the name; at most rivalsMax
	told     bool             // one of those asked has said whom it knows
	known    map[peer.ID]bool // cities that they know to be alive
	informed bool             // one of them has heard a presence of each city that there is
}

// A saying is that a peer is the city of a name, by its presence.
type saying struct {
	who  peer.ID
	city string
}

// An answer is what became of a question: the claim of a rival, or whom a city knows.
type answer struct {
	who   peer.ID
	rival *claim // nil: it has not the name, or was not asked for it
	lines []protocol.CityLine
	err   error
}

// findRival returns another city of this name whose claim matters. It takes listenMax or
// an interval of presences, whichever is less, from when there is a neighbour; it is over
// sooner once more could not be learned in that time.
func (n *Names) findRival(ctx context.Context, matters func(claim) bool) (claim, bool) {
	if len(n.cfg.Neighbours(1)) == 0 {
		return claim{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, min(listenMax, n.cfg.PresenceEvery))
	s := &rivalSearch{
		names: n, matters: matters,
		heard:   make(chan saying, heardMax),
		answers: make(chan answer, asksMax+rivalsMax), // has room for all, so that none waits
		asked:   make(map[peer.ID]bool), rivals: make(map[peer.ID]bool), known: make(map[peer.ID]bool),
	}
	// Deferred calls run in reverse order: the questions are ended, all of them have ended,
	// and then a panic of one is passed on.
	defer s.panics.Rethrow()
	defer s.asking.Wait()
	defer cancel()
	s.asking.Go(func() {
		_ = s.panics.Guard(func() error { return s.listen(ctx) }) // thrown again above
	})
	return s.run(ctx)
}

// listen passes on what presences say, as long as ctx lasts.
func (s *rivalSearch) listen(ctx context.Context) error {
	err := s.names.cfg.Members.Overhear(ctx, func(author peer.ID, news protocol.Presence) {
		if news.Leaving {
			return
		}
		select {
		case s.heard <- saying{author, news.City}:
		default:
		}
	})
	if err != nil {
		s.names.log.Debug("no presence is heard before the name is taken", "err", err)
	}
	return err
}

// run returns the first rival whose claim matters.
func (s *rivalSearch) run(ctx context.Context) (claim, bool) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		for _, p := range s.names.cfg.Neighbours(asksMax) {
			s.askWhom(ctx, p)
		}
		if s.over() {
			return claim{}, false
		}
		select {
		case <-ctx.Done():
			return claim{}, false
		case <-look.C:
		case said := <-s.heard:
			s.consider(ctx, said)
		case a := <-s.answers:
			s.pending--
			if a.rival != nil && s.matters(*a.rival) {
				return *a.rival, true
			}
			s.learn(ctx, a)
		}
	}
}

// over reports whether all questions are answered, and either one of those asked has run
// for so long that it has heard all others, or all are asked that any of them knows.
func (s *rivalSearch) over() bool {
	if s.pending > 0 || !s.told {
		return false
	}
	for p := range s.known {
		if !s.informed && !s.asked[p] {
			return false
		}
	}
	return true
}

// consider asks a peer that is said to have the own name.
func (s *rivalSearch) consider(ctx context.Context, said saying) {
	if said.city != s.names.cfg.City || said.who == s.names.cfg.Host.ID() || s.rivals[said.who] || len(s.rivals) >= rivalsMax {
		return
	}
	s.rivals[said.who] = true
	s.ask(said.who, func() (answer, error) {
		c, err := s.names.claimOf(ctx, said.who, s.names.cfg.City)
		return answer{rival: &c}, err
	})
}

// askWhom asks a city who it is and whom it knows.
func (s *rivalSearch) askWhom(ctx context.Context, p peer.ID) {
	if s.asked[p] || len(s.asked) >= asksMax {
		return
	}
	s.asked[p] = true
	s.ask(p, func() (a answer, err error) {
		info, err := s.names.cfg.Members.Identify(ctx, p)
		switch {
		case err != nil:
			return a, err
		case info.City == s.names.cfg.City:
			a.rival = &claim{holder: s.names.cfg.Members.AddrInfo(p), since: info.Since}
			return a, nil
		}
		err = s.names.cfg.Clients.Ask(ctx, p, func(client *protocol.Client) (err error) {
			a.lines, err = client.Cities(ctx)
			return err
		})
		return a, err
	})
}

// ask begins a goroutine that puts a question.
func (s *rivalSearch) ask(p peer.ID, put func() (answer, error)) {
	s.pending++
	s.asking.Go(func() {
		var a answer
		err := s.panics.Guard(func() (err error) {
			a, err = put()
			return err
		})
		if err != nil {
			a = answer{err: err}
		}
		a.who = p
		s.answers <- a
	})
}

// learn takes in whom a city knows. Those that it has heard of count as heard.
func (s *rivalSearch) learn(ctx context.Context, a answer) {
	if a.err != nil {
		s.names.log.Debug("a city could not be asked before the name is taken", "peer", a.who, "err", a.err)
		return
	}
	s.told = s.told || len(a.lines) > 0 // each knows itself
	for _, line := range a.lines {
		who := peer.ID(line.Peer)
		if who == a.who && longerThan(line.Presence, membership.Interval(s.names.cfg.PresenceEvery, len(a.lines))) {
			s.informed = true
		}
		if line.Status != protocol.StatusLeft {
			s.consider(ctx, saying{who, line.Presence.City})
		}
	}
	for _, line := range a.lines {
		if who := peer.ID(line.Peer); line.Status == protocol.StatusAlive && who != s.names.cfg.Host.ID() && !s.informed {
			s.known[who] = true
			s.askWhom(ctx, who)
		}
	}
}

// longerThan reports whether a city has run for longer than d when it said so.
func longerThan(said protocol.Presence, d time.Duration) bool {
	return said.Incarnation > 0 && said.Sent > said.Incarnation && said.Sent.Time().Sub(said.Incarnation.Time()) > d
}
