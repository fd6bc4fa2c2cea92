package sim

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

const (
	// flooderName is the name of a stranger who invents heroes.
	flooderName = "flooder"
	// leftOutFor is for how long a simulated city does not ask again for what it had no
	// room for; a real one waits for longer.
	leftOutFor = 10 * time.Second
)

// entriesMax returns for how many entries a city has room: in a crowded run every second
// city has room for some of the heroes only.
func (p *profile) entriesMax(index int) int {
	if !p.crowded || index%2 == 1 {
		return 0
	}
	return p.heroes + 4
}

// flood has a stranger bring heroes and deaths that it has made up, in whatever way.
func (w *world) flood() {
	n := w.anyNode()
	var e crdt.Entries
	for range 1 + w.rng.IntN(3) {
		w.invented++
		id := requestID(3, w.invented)
		version := crdt.Version{Replica: freezerReplica, HLC: crdt.StampAt(n.time())}
		if w.rng.IntN(2) == 0 {
			e.Heroes = append(e.Heroes, crdt.Hero{ID: id, Name: heroName(id), Location: n.cfg.Name, Health: 1, Version: version})
		} else {
			e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: id, Version: version})
		}
	}
	if w.rng.IntN(2) == 0 {
		n.step(city.Update{Entries: e, Source: city.SourceCaller, From: flooderName})
		return
	}
	n.step(city.Update{Entries: e, Source: city.SourceGossip, From: flooderName})
}

// leftOut is what a city had no room for, by symbol, and until when it is not asked for.
type leftOut map[uint64]time.Duration

func (l leftOut) note(symbols []uint64, now time.Duration) {
	for _, s := range symbols {
		l[s] = now + leftOutFor
	}
}

func (l leftOut) at(now time.Duration) func(uint64) bool {
	return func(symbol uint64) bool { return now < l[symbol] }
}

// symbolsOf returns the symbols of entries.
func symbolsOf(e crdt.Entries) (symbols []uint64) {
	for _, t := range e.Tombstones {
		symbols = append(symbols, t.Fingerprint().Symbol())
	}
	for _, h := range e.Heroes {
		symbols = append(symbols, h.Fingerprint().Symbol())
	}
	return symbols
}

// room returns how many entries a city may hold, and how many of them strangers may bring.
func (n *node) room() (all, strangers int) {
	all = n.cfg.WithDefaults().EntriesMax
	return all, all / 2
}

// size returns how many IDs the incarnation holds, with own writes that wait.
func (s *shadow) size() int {
	size := len(s.ids)
	for id, own := range s.waiting {
		if _, known := s.records[id]; !known && len(own) > 0 {
			size++
		}
	}
	return size
}

// checkRoom checks that a city holds no more than it may, and that strangers have not
// brought more than they may where it holds what nobody else could.
func (o *oracle) checkRoom(n *node) {
	if all, _ := n.room(); o.shadows[n.index].size() > all {
		o.w.fail("a city holds no more than it may", "%v holds %d, may hold %d", n, o.shadows[n.index].size(), all)
	}
}

// mayLeaveOut reports whether a city may have left out an entry of this ID: it does not
// know the ID, and has no room for what a stranger brings.
func (o *oracle) mayLeaveOut(n *node, id crdt.ID) bool {
	_, known := o.shadows[n.index].records[id]
	_, strangers := n.room()
	return !known && n.core.Full() && o.shadows[n.index].size() >= strangers
}

const (
	// floodedNewIDs is how many new IDs a second strangers may bring to a city that is
	// flooded: so few that they bring too many all the time.
	floodedNewIDs = 1
	// floodMost bounds what all of them invent in one run. It is less than one city may
	// bring another at once, so that in calm times cities give each other all of it.
	floodMost = 600
	// adminName is the dispatcher that all flooded cities take for an admin.
	adminName = "dispatcher-0"
)

// Rules of the budgets of new IDs.
const (
	strangersBounded = "strangers bring no more new IDs than they may"
	answeredInTime   = "who brings no more than they may is not put off"
	adminAnswered    = "an admin is answered"
)

// inundate has strangers bring each city more heroes and deaths than it takes, in whatever
// way. Some come again and again, and some have a new name each time.
func (w *world) inundate() {
	for _, n := range w.nodes {
		if w.invented >= floodMost || n.core == nil {
			return
		}
		name := fmt.Sprintf("flooder-%d", w.rng.IntN(3))
		if w.rng.IntN(3) == 0 {
			name = fmt.Sprintf("flooder-%d", 10+w.invented)
		}
		n.step(w.inundation(n, name))
	}
}

// inundation returns a message by which a stranger brings what nobody has heard of.
func (w *world) inundation(n *node, name string) city.Message {
	version := crdt.Version{Replica: freezerReplica, HLC: crdt.StampAt(n.time())}
	next := func() crdt.ID {
		w.invented++
		return requestID(3, w.invented)
	}
	id := next()
	caller := city.Caller{Name: name, Request: id}
	if w.rng.IntN(4) == 0 {
		return city.Create{Caller: caller, HeroName: heroName(id)}
	}
	e := crdt.Entries{Heroes: []crdt.Hero{{ID: id, Name: heroName(id), Location: n.cfg.Name, Health: 1, Version: version}}}
	for range w.rng.IntN(6) {
		e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: next(), Version: version})
	}
	switch w.rng.IntN(4) {
	case 0:
		return city.Assign{Caller: caller, Hero: id, With: e}
	case 1:
		return city.Update{Entries: e, Source: city.SourceCaller, From: name}
	case 2:
		return city.Update{Entries: e, Source: city.SourceGossip, From: name}
	default:
		return city.Update{Entries: e, Source: city.SourceSync, From: name}
	}
}

// An allowance is what strangers may bring yet to one incarnation.
type allowance struct {
	left, rate, burst float64
	at                time.Duration
}

func newAllowance(rate, seconds float64) *allowance {
	return &allowance{left: rate * seconds, rate: rate, burst: rate * seconds}
}

// allow returns what may be brought at a time that is not before the last.
func (a *allowance) allow(at time.Duration) float64 {
	a.left = min(a.burst, a.left+a.rate*(at-a.at).Seconds())
	a.at = at
	return a.left
}

// allowances are those of one incarnation: of all strangers, and of each by name.
type allowances struct {
	newIDs float64
	all    *allowance
	byName map[string]*allowance
}

func newAllowances(cfg city.Config) *allowances {
	newIDs := float64(cfg.WithDefaults().NewIDs)
	return &allowances{newIDs: newIDs, all: newAllowance(newIDs, 8), byName: make(map[string]*allowance)}
}

func (a *allowances) of(name string) *allowance {
	own := a.byName[name]
	if own == nil {
		own = newAllowance(a.newIDs/2, 8)
		a.byName[name] = own
	}
	return own
}

// brings is what a message brings: who does, and how many entries of IDs that the city did
// not know before it.
type brings struct {
	by       string
	stranger bool
	unknown  int
	left     float64 // what a stranger might bring
}

// bringsOf looks at a message before a city takes it.
func (o *oracle) bringsOf(n *node, m city.Message) (b brings) {
	var e crdt.Entries
	known := false
	switch m := m.(type) {
	case city.Create:
		b.by, e.Heroes = m.Name, []crdt.Hero{{ID: m.Request}}
	case city.Assign:
		b.by, e = m.Name, m.With
	case city.Update:
		b.by, e, known = m.From, m.Entries, m.Known
	}
	if b.by == "" || known || n.isAdmin(b.by) {
		return b
	}
	s := o.shadows[n.index]
	for _, t := range e.Tombstones {
		if _, known := s.records[t.ID]; !known {
			b.unknown++
		}
	}
	for _, h := range e.Heroes {
		if _, known := s.records[h.ID]; !known {
			b.unknown++
		}
	}
	at := o.w.now - n.begun
	b.stranger, b.left = true, min(s.allowed.all.allow(at), s.allowed.of(b.by).allow(at))
	return b
}

// over reports whether a stranger brings more than it may, as far as can be told: one more
// or less is rounded.
func (b brings) over() bool { return b.stranger && float64(b.unknown) > b.left-1 }

func (n *node) isAdmin(name string) bool { return n.w.profile.flooded && name == adminName }

// checkBrought checks that strangers bring no more than they may, and counts what they did.
func (o *oracle) checkBrought(n *node, m city.Message, b brings, fx city.Effects) {
	if !b.stranger {
		return
	}
	entered := 0
	for c := range fx.All() {
		if c.Old.Kind == crdt.KindNone {
			entered++
		}
	}
	if _, create := m.(city.Create); create {
		entered += len(fx.Pending)
	}
	if entered == 0 {
		return
	}
	if float64(entered) > b.left+1 {
		o.w.fail(strangersBounded, "%v: %s brings %d, may bring %.1f: %s", n, b.by, entered, b.left, describe(m))
	}
	allowed := o.shadows[n.index].allowed
	for _, a := range []*allowance{allowed.all, allowed.of(b.by)} {
		a.left = max(a.left-float64(entered), 0)
	}
}

// checkBusy checks that only strangers are put off, and only where they bring too much.
func (o *oracle) checkBusy(n *node, m city.Message, b brings, reply city.Reply) {
	switch {
	case city.ReasonOf(reply.Err) != city.Busy:
	case n.isAdmin(b.by):
		o.w.fail(adminAnswered, "%v: %s: %v", n, describe(m), reply.Err)
	case b.over():
		o.w.counts.PutOff++
	default:
		o.w.fail(answeredInTime, "%v: %s, who brings %d and may bring %.1f: %s: %v", n, b.by, b.unknown, b.left, describe(m), reply.Err)
	}
}
