package node

import (
	"context"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/protocol"
)

// Status is how a node is doing.
type Status struct {
	Network     string
	City        string
	Peer        peer.ID
	Since       crdt.Stamp
	Incarnation crdt.Stamp
	Summary     crdt.Summary
	// Open says that the city answers for what it does not know.
	Open bool
	// ClockDoubt is why the own clock is not trusted, or "".
	ClockDoubt string
	// Store is protocol.StoreWorks, or why the store does not work, or "" for a city
	// that is ephemeral.
	Store string
	// Problems are those of all cities that this node knows of, its own first; none:
	// all is well. They are as of the last look, a second ago at most.
	Problems []Problem
	// Restarts is how often the city was restarted.
	Restarts int
	// Peers is how many peers are connected; Alive, Suspect, Failed, Left and Relayed count
	// the other cities.
	Peers, Alive, Suspect, Failed, Left, Relayed int
	// Contested lists the peers that claim this city's name as well.
	Contested []peer.ID
	// Contests counts how often a peer was found to claim it, or was back with it.
	Contests uint64
	// Joining is how far the transfer of another city's whole state has come;
	// nil if none is running.
	Joining *JoinProgress
	// FutureSkipped counts heroes that were left out for their future stamps,
	// DeltasDropped changes and whole deltas that gossip dropped for want of
	// room.
	FutureSkipped, DeltasDropped uint64
	// Full says that the city leaves out entries of IDs that it has not heard of, since it
	// holds as many as it may, or half of them for what strangers bring; LeftOut counts
	// them.
	Full    bool
	LeftOut uint64
}

// Status returns the node's status now. It fails with ctx, or with ErrClosed once the
// node has ended. Its parts are asked one after another, so they are of one moment only
// where nothing happens meanwhile.
func (n *Node) Status(ctx context.Context) (Status, error) {
	if err := n.life.open(); err != nil {
		return Status{}, err
	}
	own, err := n.self.Presence(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{
		Network:       n.cfg.Network,
		City:          own.City,
		Peer:          n.host.ID(),
		Since:         own.Since,
		Incarnation:   own.Incarnation,
		Summary:       own.Summary,
		Restarts:      n.supervisor.Restarts(childCity),
		Peers:         len(n.host.Network().Peers()),
		Joining:       joinProgress(n.entropy.Joining()),
		FutureSkipped: n.entropy.FutureSkipped(),
		DeltasDropped: n.deltas.Dropped() + n.router.Dropped(),
		Contests:      n.names.Contests(),
		LeftOut:       n.entropy.LeftOut(),
		Problems:      n.problems(),
	}
	if n.journal != nil {
		s.Store = standing(n.journal.Fault())
	}
	for _, e := range n.members.Cities() {
		switch e.Status {
		case protocol.StatusAlive:
			s.Alive++
			if e.Presence.City == own.City {
				s.Contested = append(s.Contested, e.Peer)
			}
		case protocol.StatusLeft:
			s.Left++
		case protocol.StatusSuspect:
			s.Suspect++
		case protocol.StatusFailed:
			s.Failed++
		case protocol.StatusRelayed:
			s.Relayed++
		}
	}
	inc, err := n.city.Current()
	if err != nil {
		return s, nil //nolint:nilerr // between two incarnations it is not open
	}
	s.Open, s.ClockDoubt, err = inc.Standing(ctx)
	if err == nil {
		s.Full, err = inc.Full(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return Status{}, ctx.Err()
	}
	return s, nil
}

// self is what the node says of its own city. Presences, info and Status all ask it, so
// that they say the same.
type self struct {
	cfg   Config
	peer  peer.ID
	city  *city.City
	facts *durable.Facts
	// instance is that of the process, or of the node where a process runs several.
	instance protocol.Instance
	// problems returns the codes of what is wrong with the city.
	problems func() []protocol.Problem
	doubt    atomic.Pointer[string] // why the clock is not trusted; nil: never judged
}

// now returns the wall clock as a stamp.
func (s *self) now() crdt.Stamp { return crdt.StampAt(s.cfg.Now()) }

// Presence returns this city as of now. While the city restarts it is that of an
// empty one, for info and cities answer always. It fails only with ctx.
func (s *self) Presence(ctx context.Context) (protocol.Presence, error) {
	p := protocol.Presence{
		City:        s.cfg.City.Name,
		Since:       s.facts.Since(),
		Incarnation: s.facts.Incarnation(),
		Software:    s.cfg.Software,
		Sent:        s.now(),
		Problems:    s.problems(),
	}
	inc, err := s.city.Current()
	if err != nil {
		return p, nil //nolint:nilerr // between two incarnations the state is empty
	}
	p.Incarnation = inc.Number()
	summary, err := inc.Summary(ctx)
	if err != nil && ctx.Err() != nil {
		return p, ctx.Err()
	}
	p.Summary = summary
	return p, nil
}

// DoubtClock tells the city why its clock is not to be trusted; "" where it is.
func (s *self) DoubtClock(ctx context.Context, reason string) {
	s.doubt.Store(&reason)
	inc, err := s.city.Current()
	if err != nil {
		return // the next incarnation is told a second later
	}
	_, _ = inc.Do(ctx, city.Suspect{Reason: reason}) // fails only if that incarnation has just ended
}

// clockDoubt returns why the clock is not trusted; "" where it is, or was not judged yet.
func (s *self) clockDoubt() string {
	if reason := s.doubt.Load(); reason != nil {
		return *reason
	}
	return ""
}
