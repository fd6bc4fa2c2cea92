package node

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/health"
	"github.com/citynode/citynode/internal/loglimit"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// Problem is what is wrong with a city: what the city says of itself, or that it does not
// answer.
type Problem struct {
	// Code is short and made for programs; see the codes of protocol.Problem. It may
	// be of a later program than this one.
	Code protocol.Problem
	City string
	Peer peer.ID
	// Since is when this node first knew of it, by this node's clock as it is now.
	Since time.Time
	// Detail is what is known beside the code, in words for people; "" for nothing.
	Detail string
}

// ProblemEvent tells that a problem was found, or that it is over.
type ProblemEvent struct {
	Problem
	// Over says that it is over; else it was just found.
	Over bool
}

// newHealth makes what keeps the problems of all cities.
func (n *Node) newHealth() *health.Watch {
	return health.New(health.Config{
		Self:       string(n.host.ID()),
		Find:       n.findProblems,
		Changed:    n.directory.Changed,
		OwnChanged: n.members.Announce,
		Begun:      n.problemBegun,
		Over:       n.problemOver,
	})
}

// problemBegun tells of a problem that was just found.
func (n *Node) problemBegun(found health.Problem) {
	p := n.problem(found)
	n.log.Log(context.Background(), n.problemLevel(p), "a city has a problem",
		"code", p.Code, "city", p.City, n.causeOf(p), "detail", p.Detail)
	n.cfg.Events.problem(ProblemEvent{Problem: p})
}

// problemOver tells of a problem that is over.
func (n *Node) problemOver(was health.Problem) {
	p := n.problem(was)
	n.log.Log(context.Background(), n.problemLevel(p), "a problem of a city is over",
		"code", p.Code, "city", p.City, n.causeOf(p), "lasted", time.Since(was.Since).Round(time.Second))
	n.cfg.Events.problem(ProblemEvent{Problem: p, Over: true})
}

// causeOf returns the peer of a problem as an attribute. What others can make happen, also
// to this city, is limited in the log.
func (n *Node) causeOf(p Problem) slog.Attr {
	if p.Peer == n.host.ID() && p.Code != protocol.ProblemContested {
		return slog.String("peer", p.Peer.String())
	}
	return loglimit.By("peer", p.Peer.String(), string(p.Code))
}

// problemLevel makes warnings of what the own city has, and of a city that has failed. The
// problems that others tell of are warnings in their own logs, and a stop is none.
func (n *Node) problemLevel(p Problem) slog.Level {
	if p.Peer == n.host.ID() && p.Code != protocol.ProblemDraining || p.Code == protocol.ProblemFailed {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// findProblems returns all problems that there are now, the own ones first.
func (n *Node) findProblems() []health.Finding {
	entries := n.directory.All()
	found := n.ownProblems(entries)
	for _, e := range entries {
		at := health.Finding{City: e.Presence.City, Peer: string(e.Peer)}
		switch at.Code = protocol.Problem(e.Status); {
		case e.Status == protocol.StatusAlive:
			for _, at.Code = range e.Presence.Problems {
				found = append(found, at)
			}
		case at.Code == protocol.ProblemFailed, at.Code == protocol.ProblemSuspect:
			found = append(found, at)
		} // one that left went as it was meant to, and what it said last is no concern
	}
	return found
}

// ownProblems returns what is wrong with the own city.
func (n *Node) ownProblems(others []membership.Entry) (found []health.Finding) {
	add := func(code protocol.Problem, detail string) {
		found = append(found, health.Finding{Code: code, City: n.cfg.City.Name, Peer: string(n.host.ID()), Detail: detail})
	}
	if n.journal != nil {
		if err := n.journal.Fault(); err != nil {
			add(protocol.ProblemStore, err.Error())
		}
	}
	if doubt := n.self.clockDoubt(); doubt != "" {
		add(protocol.ProblemClockAhead, doubt)
	}
	if membership.ClockBehind(others, n.cfg.Now()) {
		add(protocol.ProblemClockBehind, "")
	}
	if n.full() {
		add(protocol.ProblemFull, "")
	}
	if n.draining.begun.Load() {
		add(protocol.ProblemDraining, "")
	}
	if i := slices.IndexFunc(others, n.contests); i >= 0 {
		add(protocol.ProblemContested, "peer "+others[i].Peer.String()+" claims the name too")
	}
	return found
}

// contests reports whether another peer that is alive claims this city's name.
func (n *Node) contests(e membership.Entry) bool {
	return e.Status == protocol.StatusAlive && e.Presence.City == n.cfg.City.Name
}

// problem returns a problem in the form for programs.
func (n *Node) problem(p health.Problem) Problem {
	return Problem{
		Code: p.Code, City: p.City, Peer: peer.ID(p.Peer), Detail: p.Detail,
		// The time for which it has lasted is true whatever the wall clock did since.
		Since: n.cfg.Now().Add(-time.Since(p.Since)),
	}
}

// problems returns the problems that are known, the own ones first.
func (n *Node) problems() []Problem {
	known := n.health.All()
	some := make([]Problem, len(known))
	for i, p := range known {
		some[i] = n.problem(p)
	}
	return some
}

// storeFault passes on that the store has failed, or with nil that it works again.
func (n *Node) storeFault(err error) {
	n.health.Wake()
	n.cfg.Events.storeFault(err)
}

// contested passes on that another peer claims the own name.
func (n *Node) contested(name string, other peer.ID) {
	n.health.Wake()
	n.cfg.Events.contested(name, other)
}

// fullTimeout bounds the question to the city's loop whether it is full, which it answers at
// once unless it is far behind. The next look asks again.
const fullTimeout = time.Second

// full reports whether the city holds as many entries as it may.
func (n *Node) full() bool {
	inc, err := n.city.Current()
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), fullTimeout)
	defer cancel()
	full, err := inc.Full(ctx)
	return err == nil && full
}
