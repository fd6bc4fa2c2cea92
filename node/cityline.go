package node

import (
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// lineOf returns what this node knows of another city, in the form of the wire. What the
// city holds is what its newest word shows, of whatever kind that was.
func (c *calls) lineOf(e membership.Entry, opinion membership.Opinion) protocol.CityLine {
	line := protocol.CityLine{
		Presence: e.Presence,
		Peer:     []byte(e.Peer),
		Status:   e.Status,
		Agreed:   e.Agreed,
		RTT:      uint64(e.RTT.Microseconds()),
		Agrees:   opinion.Verdict.Bool(),
	}
	if e.Via != "" {
		line.Via = []byte(e.Via)
	}
	line.Presence.Summary = opinion.Summary
	if !opinion.Heard.IsZero() {
		// By how long ago it was, for the wall clock may have jumped since.
		line.Heard = crdt.StampAt(c.self.cfg.Now().Add(-time.Since(opinion.Heard)))
	}
	return line
}

// opinionOf returns what is known of a city's state, of what the members say. There is no
// verdict on a city that has failed or left: nobody is there who could agree.
func opinionOf(e membership.Entry, opinion membership.Opinion) membership.Opinion {
	if opinion.Heard.IsZero() {
		opinion.Summary = e.Presence.Summary
	}
	if e.Status == protocol.StatusFailed || e.Status == protocol.StatusLeft {
		opinion.Verdict = membership.Unknown
	}
	return opinion
}
