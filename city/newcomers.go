package city

import (
	"math"
	"slices"
	"time"

	"github.com/citynode/citynode/crdt"
)

// DefaultEntriesMax is how many entries a city holds, the dead included, unless it is told
// otherwise: with a million of them it takes some 130 MB, and, in a program that does not
// bound it as citynode run does, as much again of garbage that waits to be collected.
const DefaultEntriesMax = 4_000_000

// entriesMaxMin leaves one place to strangers and one to admins. entriesMaxMax is about
// what positions of 31 bits can tell apart.
const entriesMaxMin, entriesMaxMax = 2, 1 << 30

// DefaultNewIDs is how many entries a second of IDs that it has not heard of a city takes
// from strangers, unless it is told otherwise.
const DefaultNewIDs = 1024

// newIDsMax keeps what may be brought at once within what a float64 counts exactly.
const newIDsMax = 1 << 20

// CodeFull is the code by which a city that is full is told of.
const CodeFull = "full"

// What may be brought of IDs that a city has never heard of, in entries a second and at
// once, by default. An entry is never forgotten, and an ID costs nothing to invent, so what enters is
// bounded by who brings it, whatever the way: deltas, syncs, updates, what comes along with
// an order, and creates.
//
// Strangers together may bring 39,000 in half a minute. Each of three cities may be brought
// others, which they then bring each other: 15 MB in all. A city that is
// known for some time may bring a whole state after a partition, and what it is given
// later in a steady flow. What is over the bound comes later: by the next sync, or when
// the caller tries again.
const (
	strangerNewRate, strangerNewBurst   = 512, 4 << 10
	strangersNewRate, strangersNewBurst = 2 * strangerNewRate, 2 * strangerNewBurst
	knownNewRate, knownNewBurst         = 16 << 10, 1 << 20
	knownsNewRate, knownsNewBurst       = 2 * knownNewRate, 2 * knownNewBurst
	// payersMax bounds those whose spending is remembered, at about 100 bytes each. Others
	// pay from what all have together.
	payersMax = 1024
)

// A bringer is who brought entries, for the bounds on new IDs.
type bringer struct {
	name  string // "": the own program
	known bool
}

func (c Caller) bringer() bringer { return bringer{name: c.Name} }

// bringer returns who brought the entries. An own rule and the own store are the own
// program's.
func (m Update) bringer() bringer { return bringer{name: m.From, known: m.Known} }

// newcomers bounds the IDs that enter a state that has not heard of them. It is owned by
// the Core.
type newcomers struct {
	max       int // entries of the state
	admins    []string
	strangers payers
	knowns    payers
	leftOut   bool // something was left out for want of room, for good
}

func newNewcomers(cfg Config) *newcomers {
	full := func(rate, burst float64) bucket {
		times := float64(cfg.NewIDs) / DefaultNewIDs
		return bucket{rate: rate * times, burst: burst * times, left: burst * times}
	}
	return &newcomers{
		max:       cfg.EntriesMax,
		admins:    cfg.Admins,
		strangers: payers{each: full(strangerNewRate, strangerNewBurst), all: full(strangersNewRate, strangersNewBurst)},
		knowns:    payers{each: full(knownNewRate, knownNewBurst), all: full(knownsNewRate, knownsNewBurst)},
	}
}

// free reports whether what a bringer brings is bounded by the room alone.
func (n *newcomers) free(b bringer) bool { return b.name == "" || slices.Contains(n.admins, b.name) }

// room returns how many entries may enter a state of this size. Half of what there is
// place for is kept for admins and for cities that are known.
func (n *newcomers) room(b bringer, size int) int {
	if b.known || n.free(b) {
		return max(n.max-size, 0)
	}
	return max(n.max/2-size, 0)
}

// budget returns how many entries of new IDs a bringer may bring now.
func (n *newcomers) budget(b bringer, ran time.Duration) int {
	if n.free(b) {
		return math.MaxInt
	}
	return n.payers(b).left(b.name, ran)
}

// pay takes what has entered from the budget of who brought it.
func (n *newcomers) pay(b bringer, entered int, ran time.Duration) {
	if entered > 0 && !n.free(b) {
		n.payers(b).pay(b.name, entered, ran)
	}
}

func (n *newcomers) payers(b bringer) *payers {
	if b.known {
		return &n.knowns
	}
	return &n.strangers
}

// payers are bringers of one kind: what each may bring, and all of them together.
type payers struct {
	each   bucket // of who has brought nothing yet, once it is full
	all    bucket
	byName map[string]*bucket
}

func (p *payers) left(name string, ran time.Duration) int {
	all := p.all.at(ran)
	if own := p.byName[name]; own != nil {
		return int(min(all, own.at(ran)))
	}
	return int(min(all, p.each.burst))
}

func (p *payers) pay(name string, entered int, ran time.Duration) {
	p.all.take(entered, ran)
	own := p.byName[name]
	if own == nil {
		if own = p.enter(name, ran); own == nil {
			return
		}
	}
	own.take(entered, ran)
}

// enter begins to remember a payer, or returns nil where there is no place. Whose budget
// is whole again need not be remembered.
func (p *payers) enter(name string, ran time.Duration) *bucket {
	if len(p.byName) >= payersMax {
		for other, b := range p.byName {
			if b.at(ran) >= b.burst {
				delete(p.byName, other)
			}
		}
	}
	if len(p.byName) >= payersMax {
		return nil
	}
	own := p.each
	own.left, own.seen = own.burst, ran
	if p.byName == nil {
		p.byName = make(map[string]*bucket)
	}
	p.byName[name] = &own
	return &own
}

// A bucket has what is left to spend, and fills by rate a second up to burst.
type bucket struct {
	rate, burst, left float64
	seen              time.Duration
}

// at returns what is left at a time that is not before the last.
func (b *bucket) at(ran time.Duration) float64 {
	return min(b.burst, b.left+b.rate*max(ran-b.seen, 0).Seconds())
}

// take takes what was spent, which is at most what is left.
func (b *bucket) take(spent int, ran time.Duration) {
	b.left, b.seen = max(b.at(ran)-float64(spent), 0), ran
}

// Full reports whether the city has left out entries for want of room, or is about to: it
// need not hold all that others hold, and cannot tell an ID that nobody has from one that
// it has left out. That stays so until it starts anew, for nothing is ever forgotten.
func (c *Core) Full() bool { return c.newcomers.leftOut || c.size() >= c.newcomers.max }

// size returns how many entries the city holds, with own writes that are not durable yet.
func (c *Core) size() int {
	s := c.state.Summary()
	if c.overlay != nil {
		s = s.Plus(c.overlay.extra)
	}
	return int(s.Heroes + s.Tombstones)
}

// unknown returns how many of the entries are of IDs that the state does not know, at most:
// one that occurs twice counts twice.
func (c *Core) unknown(e crdt.Entries) (n int) {
	for i := range e.Tombstones {
		if !c.state.Knows(e.Tombstones[i].ID) {
			n++
		}
	}
	for i := range e.Heroes {
		if !c.state.Knows(e.Heroes[i].ID) {
			n++
		}
	}
	return n
}

// affordable refuses entries of a caller that would bring more new IDs than the caller may
// bring now. What the city has no room for costs nothing.
func (c *Core) affordable(b bringer, e crdt.Entries) *Refusal {
	if c.newcomers.free(b) || e.Len() == 0 {
		return nil
	}
	new, left := min(c.unknown(e), c.newcomers.room(b, c.size())), c.newcomers.budget(b, c.answers.ran)
	if new <= left {
		return nil
	}
	return refuse(Busy, "city %s takes %d heroes that it has not heard of from this caller now, and not %d; try again after a pause", c.cfg.Name, left, new)
}

// admitted refuses a create for want of room, or since the caller has made many.
func (c *Core) admitted(b bringer) *Refusal {
	switch {
	case c.newcomers.room(b, c.size()) > 0 && c.newcomers.budget(b, c.answers.ran) > 0:
		return nil
	case c.newcomers.room(b, c.size()) > 0:
		return refuse(Busy, "city %s makes no more heroes for this caller now; try again after a pause", c.cfg.Name)
	default:
		c.newcomers.leftOut = true
		return c.full()
	}
}

// full is the refusal of what a city has no room for.
func (c *Core) full() *Refusal {
	return refuse(Unavailable, "full: city %s holds %d heroes, alive and dead, of at most %d, half of them for its admins and for cities that it knows", c.cfg.Name, c.size(), c.newcomers.max)
}

// admit merges entries of a bringer, as many of new IDs as there is room for and as the
// bringer may bring now.
func (c *Core) admit(b bringer, e crdt.Entries, horizon crdt.Stamp, fx *Effects) (reply Reply) {
	room, budget := c.newcomers.room(b, c.size()), c.newcomers.budget(b, c.answers.ran)
	merged := c.bring(e, horizon, min(room, budget), fx)
	c.newcomers.pay(b, merged.New, c.answers.ran)
	reply = Reply{Changed: len(merged.Changes), Skipped: len(merged.Future), Future: merged.Future}
	switch left := merged.LeftOut.Len(); {
	case left == 0:
	case room <= budget:
		c.newcomers.leftOut = true
		reply.LeftOut, fx.LeftOut = merged.LeftOut, left
		reply.Skipped += left
	default:
		reply.Over = left
	}
	return reply
}
