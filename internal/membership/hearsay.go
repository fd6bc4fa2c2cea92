package membership

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/protocol"
)

const (
	// hearsayMax bounds the cities that are known only through others: 400 KiB of them.
	// Anybody can make up keys and sign presences with them, so what they cost is a place
	// here and no more.
	hearsayMax = 1024
	// hearsayShare bounds those that one neighbour passes on. So one that makes cities up
	// takes no place from what others pass on, and three of them do not fill all.
	hearsayShare = 256
)

// A Hearsay is what others pass on of cities that this node is not connected to and has
// asked in vain who they are: those behind a NAT of their own, with which it has a
// neighbour in common. A presence is signed by its author, so it proves that the author
// lives, and nothing about whether the author is a city that would answer. Its methods
// are safe for concurrent use.
type Hearsay struct {
	mu     sync.Mutex // guards byPeer
	byPeer map[peer.ID]*rumour
}

// A rumour is what is known of one city through others.
type rumour struct {
	presence protocol.Presence
	via      peer.ID   // who passed the newest presence on
	found    time.Time // when the first came
	heard    time.Time // when the newest came
	failure  error     // why the city could not be asked; nil until it was
}

// NewHearsay returns a hearsay of nobody.
func NewHearsay() *Hearsay { return &Hearsay{byPeer: make(map[peer.ID]*rumour)} }

// Hear notes a presence that another peer has passed on, where a city that is silent for
// longer than that counts as gone. It reports whether that is news, and there is a place
// for it.
func (h *Hearsay) Hear(author, via peer.ID, news protocol.Presence, now time.Time, silent time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, known := h.byPeer[author]
	switch {
	case known && !isLater(news, r.presence):
		return false
	case news.Leaving:
		delete(h.byPeer, author)
		return false
	case known:
		r.presence, r.via, r.heard = news, via, now
	case h.hasRoom(via, now.Add(-silent)):
		h.byPeer[author] = &rumour{presence: news, via: via, found: now, heard: now}
	default:
		return false
	}
	return true
}

// isLater reports whether a presence was sent after another one.
func isLater(news, old protocol.Presence) bool {
	return news.Incarnation > old.Incarnation || news.Incarnation == old.Incarnation && news.Sent > old.Sent
}

// hasRoom reports whether there is a place for one more city that this peer passes on.
// Those that were last heard before oldest make room; others do not, for whoever makes up
// cities makes up new ones. Callers hold mu.
func (h *Hearsay) hasRoom(via peer.ID, oldest time.Time) bool {
	share := 0
	for p, r := range h.byPeer {
		switch {
		case r.heard.Before(oldest):
			delete(h.byPeer, p)
		case r.via == via:
			share++
		}
	}
	return share < hearsayShare && len(h.byPeer) < hearsayMax
}

// Asked notes what came of asking a peer who it is: it answered (nil), or why it did not.
// Who has answered is known by that.
func (h *Hearsay) Asked(p peer.ID, failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch r, known := h.byPeer[p]; {
	case !known:
	case failure == nil, errors.Is(failure, bootstrap.ErrOtherCity):
		delete(h.byPeer, p)
	default:
		r.failure = failure
	}
}

// All returns those that were asked in vain and were heard since, by name, then by which
// was known first. Their status is relayed.
func (h *Hearsay) All(since time.Time) []Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Entry
	for p, r := range h.byPeer {
		if r.failure != nil && !r.heard.Before(since) {
			all = append(all, Entry{
				Peer: p, Presence: r.presence, Status: protocol.StatusRelayed,
				Found: r.found, Heard: r.heard, Via: r.via, Failure: r.failure,
			})
		}
	}
	slices.SortFunc(all, byName)
	return all
}

// byName orders entries by name, then by which was known first.
func byName(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Presence.City, b.Presence.City), a.Found.Compare(b.Found), cmp.Compare(a.Peer, b.Peer))
}

// Cities returns all other cities that are known: those of the directory, and those known
// only through others, by name and then by which was known first. One that answered once,
// has failed since, and goes on saying through others that it lives, is among the latter.
func (m *Members) Cities() []Entry {
	known := m.cfg.Directory.All()
	relayed := m.Relayed()
	if len(relayed) == 0 {
		return known
	}
	place := make(map[peer.ID]int, len(known))
	for i, e := range known {
		place[e.Peer] = i
	}
	for _, r := range relayed {
		i, answered := place[r.Peer]
		switch {
		case !answered:
			known = append(known, r)
		case known[i].Status == protocol.StatusFailed, known[i].Status == protocol.StatusLeft:
			r.Found, r.Agreed, r.RTT = known[i].Found, known[i].Agreed, known[i].RTT
			known[i] = r
		}
	}
	slices.SortFunc(known, byName)
	return known
}

// silentIntervals is for how many of its intervals a city that is known only through others
// may be silent and still be shown.
const silentIntervals = 3

// Relayed returns the cities that are known only through others now, also those that have
// answered before.
func (m *Members) Relayed() []Entry {
	return m.cfg.Hearsay.All(m.cfg.Now().Add(-silentIntervals * m.interval()))
}

// overhear takes a presence whose author would have to say itself who it is. The words of
// one that cannot be asked are judged all the same.
func (m *Members) overhear(author, via peer.ID, news protocol.Presence) {
	if via == author || m.confirm.connected(author) {
		return // it can be asked, so it is no hearsay
	}
	if m.cfg.Hearsay.Hear(author, via, news, m.cfg.Now(), silentIntervals*m.interval()) {
		m.told(author, Word{Incarnation: news.Incarnation, Summary: news.Summary, Sent: news.Sent})
	}
}
