package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/protocol"
)

// self is what the node says of its own city.
type self struct {
	cfg   Config
	peer  peer.ID
	city  *city.City
	facts *durable.Facts
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
	inc, err := s.city.Current()
	if err != nil {
		return // the next incarnation is told a second later
	}
	_, _ = inc.Do(ctx, city.Suspect{Reason: reason}) // fails only if that incarnation has just ended
}
