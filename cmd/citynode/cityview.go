package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// A cityJSON is a city as every command prints it.
type cityJSON struct {
	Name        string   `json:"name"`
	Peer        string   `json:"peer"`
	Addrs       []string `json:"addrs"` // empty where the city is not alive
	Status      string   `json:"status"`
	Heroes      uint64   `json:"heroes"`
	Tombstones  uint64   `json:"tombstones"`
	Digest      string   `json:"digest"`
	Since       string   `json:"since"`
	Incarnation string   `json:"incarnation"`
	Restarts    *uint64  `json:"restarts"` // null where the city could not be asked
	agreementJSON
	HeardThrough string   `json:"heard_through,omitempty"` // the peer that passes its presences on, where it is relayed
	Contested    []string `json:"contested,omitempty"`     // the other peers that claim the name
	Problems     []string `json:"problems,omitempty"`      // their codes, by the city's own account

	started time.Time // Incarnation, by the city's clock
	through string    // the name of HeardThrough, or itself where that has none
}

// A view is what the node knows of itself and of all cities.
type view struct {
	info  protocol.InfoReply
	self  peer.ID
	lines []protocol.CityLine // by name, then peer
}

// view asks the node for both at once, so that they are of one moment.
func (d dispatcher) view(ctx context.Context) (view, error) {
	v := view{self: d.Node().Peer().ID}
	err := d.Node().Call(ctx, func(c *protocol.Client) (err error) {
		var infoErr error
		var asking sync.WaitGroup
		asking.Go(func() { v.info, infoErr = c.Info(ctx) })
		v.lines, err = c.Cities(ctx)
		asking.Wait()
		return cmp.Or(err, infoErr)
	})
	if err != nil {
		return view{}, fmt.Errorf("ask the node for cities: %w", err)
	}
	slices.SortFunc(v.lines, func(a, b protocol.CityLine) int {
		return cmp.Or(cmp.Compare(a.Presence.City, b.Presence.City), slices.Compare(a.Peer, b.Peer))
	})
	return v, nil
}

// cities returns all of them, without what must be asked elsewhere.
func (v view) cities() []cityJSON {
	cities := make([]cityJSON, 0, len(v.lines))
	for _, line := range v.lines {
		cities = append(cities, v.city(line))
	}
	return cities
}

func (v view) city(line protocol.CityLine) cityJSON {
	p := line.Presence
	c := cityJSON{
		Name:        p.City,
		Peer:        peerText(line.Peer),
		Addrs:       []string{},
		Status:      string(line.Status),
		Heroes:      p.Summary.Heroes,
		Tombstones:  p.Summary.Tombstones,
		Digest:      p.Summary.Digest.String(),
		Since:       timeText(p.Since),
		Incarnation: timeText(p.Incarnation),
		started:     p.Incarnation.Time(),

		agreementJSON: v.agreement(line),
	}
	if len(line.Via) > 0 {
		c.HeardThrough, c.through = peerText(line.Via), v.nameOf(line.Via)
	}
	c.setProblems(p.Problems)
	if string(line.Peer) == string(v.self) {
		c.setInfo(v.info)
	}
	return c
}

// setInfo fills in what the city itself has just said.
func (c *cityJSON) setInfo(info protocol.InfoReply) {
	c.Heroes, c.Tombstones = info.Summary.Heroes, info.Summary.Tombstones
	c.Digest = info.Summary.Digest.String()
	c.Since, c.Incarnation = timeText(info.Since), timeText(info.Incarnation)
	c.started = info.Incarnation.Time()
	c.Restarts, c.Live = &info.Restarts, true
	c.setProblems(info.Problems)
}

// setProblems fills in what is wrong with the city by its own account. Of one that is
// gone that is past.
func (c *cityJSON) setProblems(some []protocol.Problem) {
	c.Problems = nil
	for _, p := range some {
		if c.Status == string(protocol.StatusAlive) {
			c.Problems = append(c.Problems, string(p))
		}
	}
}

// gone returns a city of which the node remembers that it is not alive.
func (v view) gone(name string) (cityJSON, bool) {
	var gone *protocol.CityLine
	for i, line := range v.lines {
		switch {
		case line.Presence.City != name:
		case line.Status == protocol.StatusAlive:
			return cityJSON{}, false
		case gone == nil || line.Presence.Sent > gone.Presence.Sent:
			gone = &v.lines[i]
		}
	}
	if gone == nil {
		return cityJSON{}, false
	}
	return v.city(*gone), true
}

// holder returns the city of that name and peer, if the node knows it.
func (v view) holder(name string, id peer.ID) (cityJSON, bool) {
	for _, line := range v.lines {
		if line.Presence.City == name && string(line.Peer) == string(id) {
			return v.city(line), true
		}
	}
	return cityJSON{}, false
}

// claimants returns the peers, other than c's, that claim c's name and are alive.
func (v view) claimants(c cityJSON) []string {
	var others []string
	for _, line := range v.lines {
		if other := peerText(line.Peer); line.Presence.City == c.Name && line.Status == protocol.StatusAlive && other != c.Peer {
			others = append(others, other)
		}
	}
	return others
}

// cityTable lists cities for a person.
func cityTable(now time.Time, cities []cityJSON) *table {
	t := &table{head: []string{"CITY", "STATUS", "HEROES", "DEAD", "DIGEST", "AS OF", "STARTED", "AGREES", "PEER"}}
	for _, c := range cities {
		t.add(c.Name, c.standing(), strconv.FormatUint(c.Heroes, 10), strconv.FormatUint(c.Tombstones, 10),
			shortDigest(c.Digest), c.figuresOf(), ago(now, c.started), yesNoUnknown(c.Agrees), c.Peer)
	}
	return t
}

// shortDigestSize is how much of a digest tells two apart for a person.
const shortDigestSize = 12

func shortDigest(digest string) string { return digest[:min(len(digest), shortDigestSize)] }

// peerText returns a peer's ID, or the bytes that are none.
func peerText(b []byte) string {
	id, err := peer.IDFromBytes(b)
	if err != nil {
		return fmt.Sprintf("invalid-%x", b)
	}
	return id.String()
}

// count returns how many cities have that status, the node itself included.
func (v view) count(status protocol.CityStatus) int {
	n := 0
	for _, line := range v.lines {
		if line.Status == status {
			n++
		}
	}
	return n
}

// clockApart is how far the clock of another city must be from the node's for it
// to speak against the node's.
const clockApart = 60 * time.Second

// clockDoubted reports whether at least two other cities are alive, and the
// clocks of all are far behind the node's: it then takes its own for wrong.
func (v view) clockDoubted() bool {
	return v.allOthers(func(sent crdt.Stamp) bool { return sent < v.info.Now.Add(-clockApart) }) >= 2
}

// clockBehind reports whether other cities are alive, and the clocks of all are far
// ahead of the node's: what they stamp now is then the future to it.
func (v view) clockBehind() bool {
	return v.allOthers(func(sent crdt.Stamp) bool { return sent > v.info.Now.Add(clockApart) }) >= 1
}

// allOthers counts the other cities that are alive, and gives 0 unless that holds
// of when each of them, by its own clock, was last heard.
func (v view) allOthers(holds func(sent crdt.Stamp) bool) (others int) {
	for _, line := range v.lines {
		if line.Status != protocol.StatusAlive || string(line.Peer) == string(v.self) {
			continue
		}
		if !holds(line.Presence.Sent) {
			return 0
		}
		others++
	}
	return others
}
