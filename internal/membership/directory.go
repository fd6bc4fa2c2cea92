package membership

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
	// citiesMax bounds the directory. An entry takes under 500 bytes, texts included,
	// so the directory stays under 2 MiB. Beyond it those gone for longest make room.
	citiesMax = 4096
	// LeavingFor is how long a city may still answer after its goodbye. One that
	// answers later has not left, or is back.
	LeavingFor = 2 * time.Second
	// rttParts is by which part each measurement moves what is known of a round trip: an
	// eighth, as RFC 6298 has it.
	rttParts = 8
)

// A Directory is what this node knows of the other cities, at most citiesMax. An
// entry is made only of a city that confirmed, by info on an authenticated
// connection, that it is that city on this network. Its methods are safe for
// concurrent use.
type Directory struct {
	mu      sync.Mutex // guards cities, changed
	cities  map[peer.ID]*Entry
	changed chan struct{} // closed, and replaced, by the next change that Changed tells of
}

// An Entry is a copy of what the directory knows of one city.
type Entry struct {
	Peer peer.ID
	// Presence is the latest that the city said of itself.
	Presence protocol.Presence
	Status   protocol.CityStatus
	// Found is when this node first knew of the city under its name.
	Found time.Time
	// Heard is when the city last gave a sign of life.
	Heard time.Time
	// Agreed is the start, by our clock, of the last complete sync with this
	// incarnation; 0 if there was none.
	Agreed crdt.Stamp
	// RTT is about how long a question to the city and its answer take; 0 where it was
	// not measured yet.
	RTT time.Duration
	// Via is who passed on the last presence of a city that is known only through others,
	// and Failure is why that city could not be asked. Empty and nil for all others.
	Via     peer.ID
	Failure error

	clock reading
	moved time.Time // when the city got its status, on the monotonic clock
}

// An Event is news of another city.
type Event struct {
	Name   string
	Peer   peer.ID
	Status protocol.CityStatus
	// Before is the status until now; "" for a city just found.
	Before protocol.CityStatus
	// Restarted says that the incarnation is a new one.
	Restarted bool
}

// NewDirectory returns an empty directory.
func NewDirectory() *Directory {
	return &Directory{cities: make(map[peer.ID]*Entry), changed: make(chan struct{})}
}

// Hear applies a presence that arrived at the time now, if it is later news of an
// incarnation that is known and neither failed nor left. It returns what changed, or nil,
// and whether the author must first confirm what the presence says.
func (d *Directory) Hear(p peer.ID, news protocol.Presence, now time.Time) (change *Event, confirm bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cities[p]
	switch {
	// Only the city itself says these, on a connection that proves who it is. A smaller
	// incarnation may be that of another process with the same key, which goes on once
	// the one that is known has stopped.
	case !ok, e.Presence.City != news.City, news.Incarnation != e.Presence.Incarnation:
		return nil, true
	// Gossip brings presences late, twice and in any order.
	case news.Sent <= e.Presence.Sent:
		return nil, false
	// It may have been on its way since before the city was gone.
	case !e.present() && !news.Leaving:
		return nil, true
	}
	if !protocol.SameProblems(e.Presence.Problems, news.Problems) {
		d.tell()
	}
	e.Presence = news
	e.Heard = now
	e.clock = readNow(news.Sent)
	if news.Leaving {
		return d.move(e, protocol.StatusLeft), false
	}
	return nil, false
}

// Confirmed applies a city's own answer to info, and returns what changed, or nil.
// The answer of a city that has just said goodbye does not make it alive again.
func (d *Directory) Confirmed(p peer.ID, info protocol.InfoReply, now time.Time) *Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cities[p]
	if ok && e.Presence.Incarnation == info.Incarnation && e.leaving(now) {
		return nil
	}
	if !ok || e.Presence.City != info.City {
		// Under another name a peer is a newcomer, and Found begins anew: lookups
		// prefer who was known first under a name.
		d.makeRoom()
		e = &Entry{Peer: p, Found: now}
		d.cities[p] = e
	}
	restarted := e.Presence.Incarnation != 0 && info.Incarnation > e.Presence.Incarnation
	if info.Incarnation != e.Presence.Incarnation {
		// The new incarnation may hold nothing of what the one before was given.
		e.Agreed = 0
	}
	if !protocol.SameProblems(e.Presence.Problems, info.Problems) {
		d.tell()
	}
	// Sent never goes back within an incarnation, or an older presence would pass for
	// news.
	e.Presence = protocol.Presence{
		City:        info.City,
		Since:       info.Since,
		Incarnation: info.Incarnation,
		Summary:     info.Summary,
		Software:    info.Software,
		Sent:        max(info.Now, e.sentIn(info.Incarnation)),
		Problems:    info.Problems,
	}
	e.Heard = now
	e.clock = readNow(info.Now)
	change := d.move(e, protocol.StatusAlive)
	if change == nil && restarted {
		change = &Event{Name: e.Presence.City, Peer: p, Status: protocol.StatusAlive, Before: protocol.StatusAlive}
	}
	if change != nil {
		change.Restarted = restarted
		d.tell()
	}
	return change
}

// leaving reports whether the city has only just said goodbye.
func (e *Entry) leaving(now time.Time) bool {
	return e.Status == protocol.StatusLeft && now.Sub(e.Heard) < LeavingFor
}

// sentIn returns the stamp of the last presence of that incarnation, or 0.
func (e *Entry) sentIn(incarnation crdt.Stamp) crdt.Stamp {
	if e.Presence.Incarnation != incarnation {
		return 0
	}
	return e.Presence.Sent
}

// Judge sets the status that detection found a city to have, and returns what changed, or
// nil. One that has left is not judged any more.
func (d *Directory) Judge(p peer.ID, to protocol.CityStatus) *Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cities[p]
	if !ok || e.Status == protocol.StatusLeft {
		return nil
	}
	return d.move(e, to)
}

// NoteAnswer notes that a city answered whether it lives, and how long its answers take. It
// returns the city's status, "" where it is not known.
func (d *Directory) NoteAnswer(p peer.ID, now time.Time, rtt time.Duration) protocol.CityStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cities[p]
	if !ok {
		return ""
	}
	if rtt > 0 {
		e.RTT = rtt
	}
	if e.Status != protocol.StatusLeft { // whose last moments count from its goodbye
		e.Heard = now
	}
	return e.Status
}

// NoteRTT notes how long a question to a city and its answer have taken, on a connection
// that was there.
func (d *Directory) NoteRTT(p peer.ID, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e, ok := d.cities[p]; {
	case !ok:
	case e.RTT == 0:
		e.RTT = took
	default:
		e.RTT += (took - e.RTT) / rttParts
	}
}

// present reports whether the city is alive, or only suspect.
func (e *Entry) present() bool {
	return e.Status == protocol.StatusAlive || e.Status == protocol.StatusSuspect
}

// Agree notes a complete sync with an incarnation of the peer that began at start.
func (d *Directory) Agree(p peer.ID, incarnation, start crdt.Stamp) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.cities[p]; ok && e.Presence.Incarnation == incarnation {
		e.Agreed = max(e.Agreed, start)
	}
}

// move sets a status and returns the change, or nil; callers hold mu.
func (d *Directory) move(e *Entry, to protocol.CityStatus) *Event {
	if e.Status == to {
		return nil
	}
	change := &Event{Name: e.Presence.City, Peer: e.Peer, Status: to, Before: e.Status}
	e.moved = time.Now()
	e.Status = to
	d.tell()
	return change
}

// tell wakes those who wait for a change; callers hold mu.
func (d *Directory) tell() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// Changed returns a channel that is closed when a city is found, is forgotten, or changes
// its status, its incarnation or its problems. Ask for the channel before looking at the
// entries. What changes in between then closes the channel.
func (d *Directory) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// makeRoom drops a city once the directory is full: of those that are gone the one
// whose last sign of life is oldest, or of all if none is gone; callers hold mu. A city
// that was dropped and lives is asked, and is back, at its next presence.
func (d *Directory) makeRoom() {
	if len(d.cities) < citiesMax {
		return
	}
	all := d.sorted()
	gone := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.present() })
	if len(gone) == 0 {
		gone = all
	}
	oldest := slices.MinFunc(gone, func(a, b Entry) int { return a.Heard.Compare(b.Heard) })
	delete(d.cities, oldest.Peer)
}

// sorted returns all entries by name, then by which was known first; callers hold
// mu.
func (d *Directory) sorted() []Entry {
	all := make([]Entry, 0, len(d.cities))
	for _, e := range d.cities {
		all = append(all, *e)
	}
	slices.SortFunc(all, byName)
	return all
}

// All returns all entries by name, then by which was known first.
func (d *Directory) All() []Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sorted()
}

// Alive returns the entries of the cities that are alive.
func (d *Directory) Alive() []Entry {
	return slices.DeleteFunc(d.All(), func(e Entry) bool { return e.Status != protocol.StatusAlive })
}

// Present returns the entries of the cities that are alive or suspect.
func (d *Directory) Present() []Entry {
	return slices.DeleteFunc(d.All(), func(e Entry) bool { return !e.present() })
}

// Get returns the entry of a peer, if there is one.
func (d *Directory) Get(p peer.ID) (Entry, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.cities[p]; ok {
		return *e, true
	}
	return Entry{}, false
}

// Named returns the peers that are known under a name: those alive first, then those
// suspect, then by which was known first.
func (d *Directory) Named(name string) []Entry {
	some := slices.DeleteFunc(d.All(), func(e Entry) bool { return e.Presence.City != name })
	slices.SortStableFunc(some, func(a, b Entry) int { return cmp.Compare(rank(a.Status), rank(b.Status)) })
	return some
}

// rank sorts cities that are alive before those that are suspect, and both before the
// others.
func rank(s protocol.CityStatus) int {
	switch s {
	case protocol.StatusAlive:
		return 0
	case protocol.StatusSuspect:
		return 1
	}
	return 2
}

// Forget drops the entries of peers, or all entries where none is named.
func (d *Directory) Forget(peers ...peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(peers) == 0 {
		clear(d.cities)
	}
	for _, p := range peers {
		delete(d.cities, p)
	}
}
