package node

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// CityInfo is what the node knows of another city. All but Status, Heard, Agreed, Agrees
// and RTT is what that city said of itself last.
type CityInfo struct {
	Name   string
	Peer   peer.ID
	Status CityStatus
	// Since is when the city took its name, Incarnation the stamp of its last start.
	Since, Incarnation crdt.Stamp
	Summary            crdt.Summary
	Software           string
	// Heard is when the city last gave a sign of life.
	Heard time.Time
	// Agreed is the start of the last complete sync with this incarnation; 0 if
	// there was none.
	Agreed crdt.Stamp
	// Agrees says whether the city holds what the own city holds, as far as that is
	// proved: the own city held the Summary itself, at some moment from a second before it
	// arrived, or a sync begun after that was complete. False: that has not been so for
	// five seconds. nil: there is no word of the city that is new enough, or it is gone.
	Agrees *bool
	// RTT is about how long a question to the city and its answer take; 0 where it was not
	// measured yet.
	RTT time.Duration
	// Via is who passed on the last presence of a city that is Relayed; empty for all
	// others.
	Via peer.ID
	// Problems are the codes of what is wrong with the city by its own account, at most
	// protocol.ProblemsMax. They are not those of Status.Problems, which has also what
	// this node sees in it.
	Problems []protocol.Problem
}

// cityInfo returns an entry of the directory in the form for programs.
func cityInfo(e membership.Entry, opinion membership.Opinion) CityInfo {
	return CityInfo{
		Name:        e.Presence.City,
		Peer:        e.Peer,
		Status:      e.Status,
		Since:       e.Presence.Since,
		Incarnation: e.Presence.Incarnation,
		Summary:     opinion.Summary,
		Software:    e.Presence.Software,
		Heard:       e.Heard,
		Agreed:      e.Agreed,
		Agrees:      opinion.Verdict.Bool(),
		RTT:         e.RTT,
		Via:         e.Via,
		Problems:    slices.Clone(e.Presence.Problems),
	}
}

// Cities returns the other cities that the node knows of, by name and then by which was
// known first: at most 4,096, and at most 1,024 that are Relayed. Two peers may claim one
// name.
func (n *Node) Cities() []CityInfo { return n.infoOf(n.members.Cities()) }

// infoOf returns entries in the form for programs.
func (n *Node) infoOf(entries []membership.Entry) []CityInfo {
	cities, opinions := make([]CityInfo, len(entries)), n.members.Opinions()
	for i, e := range entries {
		cities[i] = cityInfo(e, opinionOf(e, opinions(e.Peer)))
	}
	return cities
}

// FollowCities yields each other city that the node knows of, and then each that is
// found or changes its name, status, incarnation or problems, until ctx or the node ends. What
// changes several times while the loop's body runs is yielded once, as it is then. A city
// that is Relayed is not yielded: whether it is a city nobody has proved.
func (n *Node) FollowCities(ctx context.Context) iter.Seq[CityInfo] {
	type version struct {
		name        string
		status      CityStatus
		incarnation crdt.Stamp
		problems    string
	}
	return func(yield func(CityInfo) bool) {
		told := make(map[peer.ID]version)
		for {
			// Before the look at the entries, so that no change falls in between.
			changed := n.directory.Changed()
			known := make(map[peer.ID]version, len(told))
			for _, c := range n.infoOf(n.directory.All()) {
				v := version{c.Name, c.Status, c.Incarnation, fmt.Sprint(c.Problems)}
				if known[c.Peer] = v; told[c.Peer] == v {
					continue
				}
				if !yield(c) {
					return
				}
			}
			// A city that the directory has dropped for want of room is forgotten here too,
			// so told is bounded as the directory is, and the city is told of again.
			told = known
			select {
			case <-changed:
			case <-ctx.Done():
				return
			case <-n.life.ended:
				return
			}
		}
	}
}

// Lookup finds the city of that name and where it can be dialed: in the
// directory first, then in the DHT. What they say is a hint; the peer that is
// returned has just said itself that it is that city on this network. The error
// matches protocol.ErrNotFound if there is none, or it has said that it leaves, and
// protocol.ErrUnavailable if one is known, or may be, and does not answer now.
func (n *Node) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	if err := n.life.open(); err != nil {
		return peer.AddrInfo{}, err
	}
	return n.names.Lookup(ctx, n.host.ID(), name)
}

// Call looks a city up and makes calls on a stream to it that is theirs alone until
// do returns, so that one of them may be a watch or a settle. Calls of the own city
// go over a stream in memory and obey the same rules. The requests name the city, so
// that nobody else executes them. What a city refuses is a *protocol.Error, so that
// errors.Is finds protocol.ErrNotFound and its like, whichever city it is. Nothing is
// tried again.
//
// A city that is suspect or has failed, or does so during the call, is not waited for until
// ctx ends: the error is a *protocol.SilentError then, after two seconds at most or as soon
// as the silence is noticed. A call that has begun to be answered, as a watch that is live,
// is ended only where the city has failed.
func (n *Node) Call(ctx context.Context, name string, do func(*protocol.Client) error) error {
	callee := &streams.Callee{City: name, Status: func(p peer.ID) CityStatus { return n.statusOf(name, p) }}
	return callee.UnlessSilent(ctx, func(ctx context.Context) error { return n.call(ctx, callee, do) })
}

// call makes a call without a bound of its own.
func (n *Node) call(ctx context.Context, callee *streams.Callee, do func(*protocol.Client) error) error {
	found, err := n.Lookup(ctx, callee.City)
	if err != nil {
		return err
	}
	callee.Found(found.ID)
	named := func(client *protocol.Client) error {
		if err := callee.Use(ctx, client); err != nil {
			return err
		}
		return do(client.City(callee.City))
	}
	if found.ID == n.host.ID() {
		return n.callOwn(ctx, named)
	}
	// For this dial alone: a city that moves must not be looked for here for long.
	n.host.Peerstore().AddAddrs(found.ID, found.Addrs, peerstore.TempAddrTTL)
	return n.clients.Call(ctx, found.ID, named)
}

// statusOf returns the status of a peer, or of the best of those that hold a name where no
// peer is given; "" where nothing is known, as of this node itself.
func (n *Node) statusOf(name string, p peer.ID) CityStatus {
	if p != "" {
		e, _ := n.directory.Get(p)
		return e.Status
	}
	if known := n.directory.Named(name); len(known) > 0 && name != n.cfg.City.Name {
		return known[0].Status
	}
	return ""
}

// callOwn makes calls to the own city. They take the way of all calls, with frames, checks
// and budget, so that a program cannot come to rely on what another city would refuse.
// The goroutine that answers them has ended when it returns.
func (n *Node) callOwn(ctx context.Context, do func(*protocol.Client) error) error {
	here, there := protocol.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() {
		var panics supervise.Relay // one ends the stream, as on the network
		err := panics.Guard(func() error { return n.calls.server.Serve(ctx, there, string(n.host.ID())) })
		if err != nil {
			n.log.Debug("calls of the own program ended", "err", err)
			_ = there.Reset()
		}
	})
	// The client is closed first, which ends a server that waits for a request; cancel ends
	// one that is within a call.
	defer serving.Wait()
	defer cancel()
	client := protocol.NewClient(here)
	defer client.Close() //nolint:errcheck // always nil
	return do(client)
}
