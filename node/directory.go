package node

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	// citiesMax bounds the directory. A presence is under 200 bytes, so it stays
	// under 2 MiB; beyond it those gone for longest make room.
	citiesMax = 4096
	// leavingFor is how long a city may still answer after its goodbye. One that
	// answers later has not left, or is back.
	leavingFor = 2 * time.Second
)

// directory is what this node knows of the other cities. An entry is made only
// of a city that confirmed, by info on an authenticated connection, that it is
// that city on this network.
type directory struct {
	mu     sync.Mutex // guards cities
	cities map[peer.ID]*entry
}

// entry is one city. All of it is guarded by the directory's mu; snapshots are
// handed out by value.
type entry struct {
	peer     peer.ID
	presence protocol.Presence
	status   CityStatus
	// found is when this node first knew of the city under its name.
	found time.Time
	// heard is when the city last gave a sign of life.
	heard time.Time
	clock reading
	// agreed is the start, by our clock, of the last complete sync with this
	// incarnation; 0 if there was none.
	agreed crdt.Stamp
}

func newDirectory() *directory {
	return &directory{cities: make(map[peer.ID]*entry)}
}

// hear applies a presence if it is later news of an incarnation that is known
// and alive. It tells what changed, and whether the author must confirm first.
func (d *directory) hear(p peer.ID, news protocol.Presence, now time.Time) (event *CityEvent, confirm bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cities[p]
	switch {
	case !ok, e.presence.City != news.City, news.Incarnation > e.presence.Incarnation:
		return nil, true
	case news.Incarnation < e.presence.Incarnation, news.Sent <= e.presence.Sent:
		return nil, false
	case e.status != Alive && !news.Leaving:
		return nil, true
	}
	e.presence = news
	e.heard = now
	e.clock = readNow(news.Sent)
	if news.Leaving {
		return d.move(e, Left), false
	}
	return nil, false
}

// confirmed applies a city's own answer to info. That of one which has just said
// goodbye does not make it alive again.
func (d *directory) confirmed(p peer.ID, info protocol.InfoReply, now time.Time) *CityEvent {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cities[p]
	if ok && e.presence.Incarnation == info.Incarnation && e.leaving(now) {
		return nil
	}
	if !ok || e.presence.City != info.City {
		d.makeRoom()
		e = &entry{peer: p, found: now}
		d.cities[p] = e
	}
	restarted := e.presence.Incarnation != 0 && info.Incarnation > e.presence.Incarnation
	if info.Incarnation != e.presence.Incarnation {
		e.agreed = 0
	}
	e.presence = protocol.Presence{
		City:        info.City,
		Since:       info.Since,
		Incarnation: info.Incarnation,
		Summary:     info.Summary,
		Software:    info.Software,
		Sent:        max(info.Now, e.sentIn(info.Incarnation)),
	}
	e.heard = now
	e.clock = readNow(info.Now)
	event := d.move(e, Alive)
	if event == nil && restarted {
		event = &CityEvent{Name: e.presence.City, Peer: p, Status: Alive, Before: Alive}
	}
	if event != nil {
		event.Restarted = restarted
	}
	return event
}

// leaving tells whether the city has only just said goodbye.
func (e *entry) leaving(now time.Time) bool {
	return e.status == Left && now.Sub(e.heard) < leavingFor
}

// sentIn is the stamp of the last presence of that incarnation.
func (e *entry) sentIn(incarnation crdt.Stamp) crdt.Stamp {
	if e.presence.Incarnation != incarnation {
		return 0
	}
	return e.presence.Sent
}

// lost notes that an alive city did not answer when it was asked, unless it was
// heard since.
func (d *directory) lost(p peer.ID, asked time.Time) (event *CityEvent, heard bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cities[p]
	switch {
	case !ok || e.status != Alive:
		return nil, false
	case e.heard.After(asked):
		return nil, true
	}
	return d.move(e, Failed), false
}

// agree notes a complete sync with an incarnation that began at start.
func (d *directory) agree(p peer.ID, incarnation, start crdt.Stamp) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.cities[p]; ok && e.presence.Incarnation == incarnation {
		e.agreed = max(e.agreed, start)
	}
}

// move sets a status; callers hold mu.
func (d *directory) move(e *entry, to CityStatus) *CityEvent {
	if e.status == to {
		return nil
	}
	event := &CityEvent{Name: e.presence.City, Peer: e.peer, Status: to, Before: e.status}
	e.status = to
	return event
}

// makeRoom drops, once the directory is full, the city that was heard least
// lately of those that are gone, or of all if none is; callers hold mu.
func (d *directory) makeRoom() {
	if len(d.cities) < citiesMax {
		return
	}
	all := d.sorted()
	gone := slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.status == Alive })
	if len(gone) == 0 {
		gone = all
	}
	oldest := slices.MinFunc(gone, func(a, b entry) int { return a.heard.Compare(b.heard) })
	delete(d.cities, oldest.peer)
}

// sorted is a copy of all entries by name, then by which was known first;
// callers hold mu.
func (d *directory) sorted() []entry {
	all := make([]entry, 0, len(d.cities))
	for _, e := range d.cities {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.presence.City, b.presence.City), a.found.Compare(b.found), cmp.Compare(a.peer, b.peer))
	})
	return all
}

// all is a copy of all entries by name, then by which was known first.
func (d *directory) all() []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sorted()
}

// alive is all that is alive.
func (d *directory) alive() []entry {
	return slices.DeleteFunc(d.all(), func(e entry) bool { return e.status != Alive })
}

// get is a copy of one entry.
func (d *directory) get(p peer.ID) (entry, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.cities[p]; ok {
		return *e, true
	}
	return entry{}, false
}

// named are the peers known under a name: alive ones first, then by which was
// known first.
func (d *directory) named(name string) []entry {
	some := slices.DeleteFunc(d.all(), func(e entry) bool { return e.presence.City != name })
	slices.SortStableFunc(some, func(a, b entry) int { return cmp.Compare(rank(a.status), rank(b.status)) })
	return some
}

// rank sorts the living before the others.
func rank(s CityStatus) int {
	if s == Alive {
		return 0
	}
	return 1
}
