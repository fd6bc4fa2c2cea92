package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// citiesPerReply keeps a reply with cities under a tenth of a frame.
const citiesPerReply = 64

// problemsPerReply keeps a reply with problems well within a frame, also where each has a
// detail of protocol.MessageBytesMax.
const problemsPerReply = 128

// info returns what the node says of itself. It answers while the city restarts or its
// store does not work: other cities judge by it whether this one lives, and a caller
// reads in it why orders are refused.
func (c *calls) info(ctx context.Context) (protocol.InfoReply, error) {
	own, err := c.self.Presence(ctx)
	info := protocol.InfoReply{
		Network:     c.network,
		City:        own.City,
		Since:       own.Since,
		Incarnation: own.Incarnation,
		Summary:     own.Summary,
		Restarts:    uint64(c.restarts()),
		Software:    own.Software,
		Now:         c.self.now(),
		Skipped:     c.entropy.FutureSkipped(),
		Instance:    c.self.instance,
		Problems:    own.Problems,
	}
	if c.journal != nil {
		info.Store = standing(c.journal.Fault())
	}
	if j := c.entropy.Joining(); j != nil {
		info.Joining = &protocol.Joining{City: j.City, Entries: j.Entries, Of: j.Of}
	}
	return info, err
}

// standing returns how the store is, in the words of info.
func standing(fault error) string {
	if fault == nil {
		return protocol.StoreWorks
	}
	return fault.Error()
}

// lookup returns where the city of a name is. The caller is never the answer: a city
// that asks for its own name looks for another holder.
func (c *calls) lookup(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.LookupRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	if err := crdt.ValidateCityName(r.City); err != nil {
		return nil, protocol.Errorf(protocol.BadRequest, "city: %w", err)
	}
	// Verified now, by the city itself, so the caller need not believe this node's memory.
	found, err := c.names.Lookup(ctx, peer.ID(call.Caller), r.City)
	if err != nil {
		return nil, err
	}
	reply := protocol.LookupReply{Peer: []byte(found.ID), Addrs: [][]byte{}}
	for _, addr := range found.Addrs {
		reply.Addrs = append(reply.Addrs, addr.Bytes())
	}
	return reply, nil
}

// cities sends what this node knows of all cities, itself first. It answers also while
// the own city restarts. The list is a copy, so a caller that reads slowly holds up
// nobody, and sees the directory as it was at one moment.
func (c *calls) cities(ctx context.Context, call *protocol.Call) (any, error) {
	own, err := c.self.Presence(ctx)
	if err != nil {
		return nil, err
	}
	lines := []protocol.CityLine{{Presence: own, Peer: []byte(c.self.peer), Status: protocol.StatusAlive}}
	opinions := c.members.Opinions()
	for _, e := range c.members.Cities() {
		lines = append(lines, c.lineOf(e, opinionOf(e, opinions(e.Peer))))
	}
	for len(lines) > citiesPerReply {
		if err := call.Send(protocol.CitiesReply{Cities: lines[:citiesPerReply]}); err != nil {
			return nil, err
		}
		lines = lines[citiesPerReply:]
	}
	return protocol.CitiesReply{Cities: lines}, nil
}

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

// sendProblems sends the problems that this node knows of, its own first. It answers also
// while the own city restarts.
func (c *calls) sendProblems(ctx context.Context, call *protocol.Call) (any, error) {
	lines := []protocol.ProblemLine{}
	for _, p := range c.problems() {
		lines = append(lines, protocol.ProblemLine{
			Problem: p.Code,
			City:    p.City,
			Peer:    []byte(p.Peer),
			Since:   crdt.StampAt(p.Since),
			Detail:  p.Detail,
		})
	}
	for len(lines) > problemsPerReply {
		if err := call.Send(protocol.ProblemsReply{Problems: lines[:problemsPerReply]}); err != nil {
			return nil, err
		}
		lines = lines[problemsPerReply:]
	}
	return protocol.ProblemsReply{Problems: lines}, nil
}

// forget drops cities that are gone from the directory, and from the peers to be dialed:
// the operator says that they will not come back. One that does is known again by its own
// info, as a new one is.
func (c *calls) forget(call *protocol.Call) (any, error) {
	if caller := peer.ID(call.Caller); !c.isAdmin(caller) {
		return nil, protocol.Errorf(protocol.Forbidden, "peer %s may not have city %s forget", caller, c.name)
	}
	var r protocol.ForgetRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	which := func(e membership.Entry) bool { return e.Peer == peer.ID(r.Peer) }
	if r.City != "" {
		if err := crdt.ValidateCityName(r.City); err != nil {
			return nil, protocol.Errorf(protocol.BadRequest, "city: %w", err)
		}
		which = func(e membership.Entry) bool { return e.Presence.City == r.City }
	}
	dropped, kept := c.directory.ForgetGone(which)
	if len(dropped) == 0 && kept > 0 {
		return nil, protocol.Errorf(protocol.BadRequest, "it is alive: city %s would know it again at its next word; stop it first", c.name)
	}
	reply := protocol.ForgetReply{Peers: [][]byte{}}
	for _, p := range dropped {
		c.saved.Forget(p)
		c.logger.Info("a city is forgotten, as an admin has asked", "peer", p, "admin", peer.ID(call.Caller))
		reply.Peers = append(reply.Peers, []byte(p))
	}
	return reply, nil
}
