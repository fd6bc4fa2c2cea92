package city

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// disk is a journal as a store sees it: a log of records, of which the later of one id
// stands. It loses what was not committed.
type disk struct {
	log      []crdt.Record
	numbers  []uint64 // of the effects that brought each
	appended uint64
	durable  uint64
	tried    uint64
	fault    error
}

func (d *disk) Append(fx Effects) uint64 {
	d.appended++
	if d.fault != nil {
		return d.appended
	}
	for r := range fx.ToStore() {
		d.add(*r)
	}
	return d.appended
}

func (d *disk) add(r crdt.Record) {
	d.log, d.numbers = append(d.log, r), append(d.numbers, d.appended)
}

// holds returns what the log up to a number has.
func (d *disk) holds(number uint64) map[crdt.ID]crdt.Record {
	held := make(map[crdt.ID]crdt.Record)
	for i, r := range d.log {
		if d.numbers[i] <= number {
			held[r.ID()] = r
		}
	}
	return held
}

// naive is a city with an overlay as the rules have it, without any index.
type naive struct {
	state   map[crdt.ID]crdt.Record
	pending []naiveWrite // in order
}

type naiveWrite struct {
	number uint64
	record crdt.Record
}

func (n *naive) merge(r crdt.Record) {
	if old := n.state[r.ID()]; r.Beats(&old) {
		n.state[r.ID()] = r
	}
}

// goesBy returns the greatest of what the state has and what waits.
func (n *naive) goesBy(id crdt.ID) crdt.Record {
	greatest := n.state[id]
	for _, w := range n.pending {
		if w.record.ID() == id && w.record.Beats(&greatest) {
			greatest = w.record
		}
	}
	return greatest
}

func (n *naive) summary() (s crdt.Summary) {
	ids := make(map[crdt.ID]bool)
	for id := range n.state {
		ids[id] = true
	}
	for _, w := range n.pending {
		ids[w.record.ID()] = true
	}
	for id := range ids {
		s = s.Plus(crdt.SummaryOf(n.goesBy(id)))
	}
	return s
}

// overlayLab drives a held-back core and the naive one side by side.
type overlayLab struct {
	t     *rapid.T
	core  *Core
	held  *HoldBack[string]
	disk  disk
	naive naive
	asked uint64 // ids of requests so far
	next  crdt.Cursor
}

func (l *overlayLab) Tell(t *Turn[string]) {
	for _, c := range t.Effects.Changes {
		l.naive.merge(c.New)
		if got := l.core.State().Record(c.ID); c.New.Beats(&got) {
			l.t.Fatalf("told %v, the state holds %v", c.New, got)
		}
	}
}

func (l *overlayLab) Refuse(_ string, reply Reply) {
	if ReasonOf(reply.Err) != Unavailable {
		l.t.Fatalf("refused with %v", reply.Err)
	}
}

func (l *overlayLab) step(m Message) {
	reply, fx := l.core.Step(scriptStart, rand.New(rand.NewPCG(1, l.asked)), m)
	for _, c := range fx.Changes {
		if fx.Brought == 0 {
			l.t.Fatalf("%T changed the state at once: %v", m, c)
		}
	}
	pending := fx.Pending
	l.held.Add(&l.disk, Turn[string]{Waits: "caller", Reply: reply, Effects: fx})
	for _, r := range pending {
		l.naive.pending = append(l.naive.pending, naiveWrite{l.disk.appended, r})
	}
	if want := l.summary(); reply.Summary != want {
		l.t.Fatalf("%T was answered with %+v, want %+v", m, reply.Summary, want)
	}
}

// summary returns what a reply must have.
func (l *overlayLab) summary() crdt.Summary {
	if l.core.StoreFault() != "" {
		return l.core.State().Summary() // nothing waits
	}
	return l.naive.summary()
}

// release lets the journal have come so far, and drops what never happened.
func (l *overlayLab) release() {
	l.held.Release(scriptStart, nil, Written{Durable: l.disk.durable, Tried: l.disk.tried, Fault: l.disk.fault})
	var waiting []naiveWrite
	for _, w := range l.naive.pending {
		switch {
		case w.number <= l.disk.durable:
			l.naive.merge(w.record)
		case l.disk.fault == nil || w.number <= l.disk.tried:
			waiting = append(waiting, w)
		}
	}
	l.naive.pending = waiting
}

// check compares all that there is.
func (l *overlayLab) check() {
	if got, want := l.core.summary(), l.summary(); got != want {
		l.t.Fatalf("summary %+v, want %+v", got, want)
	}
	for i := range idsOfOverlay {
		id := crdttest.IDOf(i)
		if got, want := l.core.Record(id), l.naive.goesBy(id); got != want {
			l.t.Fatalf("goes by %v, want %v", got, want)
		}
		if got, want := l.core.State().Record(id), l.naive.state[id]; got != want {
			l.t.Fatalf("the state holds %v, want %v", got, want)
		}
	}
	if l.disk.fault != nil {
		return
	}
	stored, all := l.disk.holds(l.disk.durable), l.disk.holds(l.disk.appended)
	for i := range idsOfOverlay {
		id := crdttest.IDOf(i)
		if got, want := all[id], l.naive.goesBy(id); got != want {
			l.t.Fatalf("the disk is going to hold %v, want %v", got, want)
		}
		if old, now := stored[id], all[id]; old.Beats(&now) {
			l.t.Fatalf("the disk holds %v, and is going to hold %v", old, now)
		}
	}
}

// page writes the next page of the state, as a journal does that has fallen behind.
func (l *overlayLab) page() (more bool) {
	var page crdt.Entries
	page, l.next, more = l.core.PageToStore(l.next, 1)
	for _, h := range page.Heroes {
		l.disk.add(crdt.HeroRecord(h))
	}
	for _, dead := range page.Tombstones {
		l.disk.add(crdt.TombstoneRecord(dead))
	}
	if !more {
		l.next = 0
	}
	return more
}

// resume writes the whole state anew, page by page, and ends the fault.
func (l *overlayLab) resume() {
	l.disk.log, l.disk.numbers, l.next = nil, nil, 0
	for l.page() {
	}
	l.disk.fault, l.disk.durable, l.disk.tried = nil, l.disk.appended, l.disk.appended
	l.release()
}

// idsOfOverlay is how many heroes there are: few, so that writes meet.
const idsOfOverlay = 4

// someEntries draws entries of the heroes that there are, with versions near those of
// own writes.
func someEntries(t *rapid.T) (e crdt.Entries) {
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		id := crdttest.IDOf(rapid.IntRange(0, idsOfOverlay-1).Draw(t, "id"))
		stamp := crdt.StampAt(scriptStart.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "ahead")) * time.Millisecond))
		version := crdt.Version{Assigned: stamp, Replica: crdt.ReplicaID(rapid.IntRange(0, 2).Draw(t, "replica")), HLC: stamp}
		if rapid.IntRange(0, 9).Draw(t, "dead") == 0 {
			e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: id, Version: version})
			continue
		}
		e.Heroes = append(e.Heroes, crdt.Hero{
			ID: id, Name: "Robin", Location: rapid.SampledFrom([]string{"gotham", "home", "metropolis"}).Draw(t, "at"),
			Health: uint8(rapid.IntRange(1, 100).Draw(t, "health")), Version: version,
		})
	}
	return e
}

func (l *overlayLab) message() Message {
	l.asked++
	caller := Caller{Name: fmt.Sprint("caller ", l.asked), Request: crdttest.IDOf(int(100 + l.asked))} // no retries
	hero := crdttest.IDOf(rapid.IntRange(0, idsOfOverlay-1).Draw(l.t, "hero"))
	switch rapid.IntRange(0, 7).Draw(l.t, "message") {
	case 0:
		caller.Request = hero
		return Create{Caller: caller, HeroName: "Robin", Here: true}
	case 1:
		return Assign{Caller: caller, Hero: hero, With: someEntries(l.t)}
	case 2:
		return Retire{Caller: caller, Hero: hero}
	case 3:
		return Patrol{}
	case 4:
		return Fight{}
	case 5:
		return Update{Entries: someEntries(l.t), Source: SourceCaller}
	case 6:
		return Update{Entries: someEntries(l.t), Source: SourceSelf}
	default:
		return Update{Entries: someEntries(l.t), Source: SourceSync}
	}
}

func TestTheStateIsWhatIsStoredAndOwnWritesGoByAllOfThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &overlayLab{t: t, core: NewCore(Config{Name: "gotham", Replica: 1}, 1)}
		l.core.open = true
		l.held, l.naive.state = NewHoldBack[string](l.core, l), make(map[crdt.ID]crdt.Record)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what < 5:
				l.step(l.message())
			case what < 6 && l.disk.fault == nil:
				l.page()
			case what < 7 && l.disk.fault == nil:
				l.disk.tried = l.disk.appended
			case what < 9 && l.disk.fault == nil:
				l.disk.durable = l.disk.tried
				l.release()
			case l.disk.fault == nil:
				l.disk.fault = errors.New("no disk")
				l.release()
			default:
				l.resume()
			}
			l.check()
		}
		if l.disk.fault != nil {
			l.resume()
		}
		l.disk.durable, l.disk.tried = l.disk.appended, l.disk.appended
		l.release()
		l.check()
		if got := l.core.summary(); got != l.core.State().Summary() || len(l.core.overlay.last) > 0 {
			t.Fatalf("at rest it goes by %+v, and shows %+v", got, l.core.State().Summary())
		}
	})
}

func TestAPageToStoreIsNeverOlderThanAWriteThatWaits(t *testing.T) {
	l := newHoldLab(t)
	metropolis := l.city("metropolis", 2)
	hero, doomed := l.create(metropolis), l.create(metropolis)
	l.turn("", Update{Entries: crdt.Entries{Heroes: []crdt.Hero{hero, doomed}}, Source: SourceSync})
	l.turn("dispatcher", Assign{Caller: Caller{Name: "dispatcher", Request: l.id()}, Hero: hero.ID})
	l.turn("dispatcher", Retire{Caller: Caller{Name: "dispatcher", Request: l.id()}, Hero: doomed.ID})
	death := l.core.Record(doomed.ID).Tombstone
	earlier := crdt.Tombstone{ID: doomed.ID, Version: crdt.Version{Replica: death.Version.Replica, HLC: 1}}
	l.turn("", Update{Entries: crdt.Entries{Tombstones: []crdt.Tombstone{earlier}}, Source: SourceSync})
	for _, bytesMax := range []int{1, 1 << 20} {
		var got crdt.Entries
		for at, more := crdt.Cursor(0), true; more; {
			var page crdt.Entries
			page, at, more = l.core.PageToStore(at, bytesMax)
			got.Append(page)
		}
		if len(got.Heroes) != 1 || got.Heroes[0] != l.core.Record(hero.ID).Hero {
			t.Errorf("pages have %v, want the hero as ordered, once", got.Heroes)
		}
		if len(got.Tombstones) != 1 || got.Tombstones[0] != death {
			t.Errorf("pages have %v, want the death as written, once", got.Tombstones)
		}
	}
}

func TestTheLastOfTwoWritesIsGoneByOnceTheFirstIsStored(t *testing.T) {
	l := newHoldLab(t)
	hero := l.id()
	l.turn("a", Create{Caller: Caller{Request: hero}, HeroName: "Robin", Here: true})
	l.turn("b", Assign{Hero: hero, Home: true})
	last := l.core.Record(hero)
	l.durable(1)
	if got := l.core.Record(hero); got != last {
		t.Errorf("goes by %v, want the order %v", got.Hero, last.Hero)
	}
	if stored := l.core.State().Record(hero); stored == last {
		t.Error("the state shows what is not stored")
	}
}
