package node

import (
	"context"
	"iter"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
)

// CityInfo is what the node knows of another city. All but Status, Heard and Agreed
// is what that city said of itself last.
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
}

// cityInfo returns an entry of the directory in the form for programs.
func cityInfo(e membership.Entry) CityInfo {
	return CityInfo{
		Name:        e.Presence.City,
		Peer:        e.Peer,
		Status:      e.Status,
		Since:       e.Presence.Since,
		Incarnation: e.Presence.Incarnation,
		Summary:     e.Presence.Summary,
		Software:    e.Presence.Software,
		Heard:       e.Heard,
		Agreed:      e.Agreed,
	}
}

// Cities returns the other cities that the node knows of, at most 4,096, by name and
// then by which was known first. Two peers may claim one name.
func (n *Node) Cities() []CityInfo {
	entries := n.directory.All()
	cities := make([]CityInfo, len(entries))
	for i, e := range entries {
		cities[i] = cityInfo(e)
	}
	return cities
}

// FollowCities yields each other city that the node knows of, and then each that is
// found or changes its name, status or incarnation, until ctx or the node ends. What
// changes several times while the loop's body runs is yielded once, as it is then.
func (n *Node) FollowCities(ctx context.Context) iter.Seq[CityInfo] {
	type version struct {
		name        string
		status      CityStatus
		incarnation crdt.Stamp
	}
	return func(yield func(CityInfo) bool) {
		told := make(map[peer.ID]version)
		for {
			changed := n.directory.Changed()
			known := make(map[peer.ID]version, len(told))
			for _, c := range n.Cities() {
				v := version{c.Name, c.Status, c.Incarnation}
				if known[c.Peer] = v; told[c.Peer] == v {
					continue
				}
				if !yield(c) {
					return
				}
			}
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
