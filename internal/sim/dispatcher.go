package sim

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
)

const (
	// copiesMax is how many copies of entries a dispatcher keeps, old ones
	// among them.
	copiesMax = 24
	// tries is how often it sends a request, retryAfterLoss how long it waits
	// for an answer.
	tries          = 5
	retryAfterLoss = 1500 * time.Millisecond
)

// dispatcher gives orders, keeps copies of what it was answered (which go
// stale), and sends an order again, to the same city or to another one, when no
// answer comes.
type dispatcher struct {
	w      *world
	name   string
	rng    *rand.Rand
	copies []crdt.Record
	made   uint64 // request ids so far
}

// request is one order on its way.
type request struct {
	message  city.Message
	to       *node
	left     int // tries
	answered bool
}

// pace lets something happen at most once in bornEvery.
type pace struct{ next time.Duration }

func (p *pace) due(w *world) bool {
	if w.now < p.next {
		return false
	}
	p.next = w.now + w.profile.bornEvery
	return true
}

// newHero returns an id that nobody has used, someHero one that somebody has, if
// there is one.
func (w *world) newHero() crdt.ID {
	w.born++
	return requestID(0, w.born)
}

func (w *world) someHero(rng *rand.Rand) crdt.ID {
	recent := w.profile.recent
	if recent == 0 || w.born <= recent || rng.IntN(8) == 0 {
		return requestID(0, 1+rng.Uint64N(max(w.born, 1)))
	}
	return requestID(0, w.born-rng.Uint64N(recent))
}

// requestID returns the n-th id of a series. Series 0 has the ids of heroes.
func requestID(series byte, n uint64) (id crdt.ID) {
	binary.BigEndian.PutUint64(id[8:], n)
	binary.BigEndian.PutUint32(id[:4], uint32(n)+uint32(series)<<24+1)
	return id
}

func newDispatcher(w *world, index int) *dispatcher {
	return &dispatcher{
		w:    w,
		name: fmt.Sprintf("dispatcher-%d", index),
		rng:  stream(w.cfg.Seed, uint64(200+index)),
		made: uint64(index) << 16,
	}
}

// act sends one order.
func (d *dispatcher) act() {
	r := &request{to: d.anyCity(), left: tries}
	d.made++
	caller := city.Caller{Name: d.name, Request: requestID(1, d.made)}
	hero := d.w.someHero(d.rng)
	switch choice := d.rng.IntN(100); {
	case choice < 20:
		if d.w.born < uint64(d.w.profile.heroes) || d.rng.IntN(4) == 0 && d.w.births.due(d.w) {
			hero = d.w.newHero()
		}
		caller.Request = hero
		r.message = city.Create{Caller: caller, HeroName: heroName(hero), Here: hero[15]%2 == 0}
	case choice < 85, choice < 88 && !d.w.retirements.due(d.w):
		r.message = city.Assign{Caller: caller, Hero: hero, With: d.someCopies(hero), Home: d.rng.IntN(5) == 0}
	case choice < 88:
		r.message = city.Retire{Caller: caller, Hero: hero}
	default:
		r.message = city.Update{Entries: d.frozen(r.to, d.forged(d.someCopies(hero))), Source: city.SourceCaller, From: d.name}
	}
	d.send(r)
}

// heroName follows from the id, so that a create is never refused for it.
func heroName(id crdt.ID) string { return "hero " + id.String()[:8] }

func (d *dispatcher) anyCity() *node { return d.w.nodes[d.rng.IntN(len(d.w.nodes))] }

// someCopies returns old copies, of this hero more often than not; often none.
func (d *dispatcher) someCopies(hero crdt.ID) (e crdt.Entries) {
	for _, c := range d.copies {
		if d.rng.IntN(8) == 0 || history.IDOf(c) == hero && d.rng.IntN(2) == 0 {
			some := c.Entries()
			e.Heroes = append(e.Heroes, some.Heroes...)
			e.Tombstones = append(e.Tombstones, some.Tombstones...)
		}
	}
	return e
}

// forged returns the entries as they are or, where there are forgers, altered
// under the same versions, as by a city that gives two heroes one version.
func (d *dispatcher) forged(e crdt.Entries) crdt.Entries {
	if !d.w.profile.forgers {
		return e
	}
	for i := range e.Heroes {
		e.Heroes[i].Health = crdt.HealthMin + uint8(d.rng.IntN(crdt.HealthMax))
	}
	return e
}

// send brings the request to its city, and again if no answer comes back.
func (d *dispatcher) send(r *request) {
	r.left--
	to := r.to
	if !d.w.chance(d.w.profile.lossPermil / 2) {
		d.w.after(d.w.delay(), "call", func() { d.deliver(r, to) })
	}
	d.w.after(retryAfterLoss+10*d.w.profile.delay, "retry", func() { d.again(r) })
}

func (d *dispatcher) again(r *request) {
	if r.answered || r.left == 0 || d.w.calm {
		return
	}
	if d.rng.IntN(3) == 0 {
		r.to = d.anyCity()
	}
	d.send(r)
}

// deliver lets the city answer, and brings the answer back.
func (d *dispatcher) deliver(r *request, to *node) {
	asked := d.w.oracle.asked(d.name, r, to)
	to.call(r.message, func(reply city.Reply) {
		asked(reply)
		if !d.w.chance(d.w.profile.lossPermil / 2) {
			d.w.after(d.w.delay(), "answer", func() { d.answered(r, reply) })
		}
	})
}

func (d *dispatcher) answered(r *request, reply city.Reply) {
	if city.ReasonOf(reply.Err) == city.Unavailable {
		return // the retry is due
	}
	r.answered = true
	switch {
	case reply.Err != nil:
	case !reply.Hero.ID.IsZero():
		d.keep(crdt.Record{Kind: crdt.KindHero, Hero: reply.Hero})
	case !reply.Tombstone.ID.IsZero():
		d.keep(crdt.Record{Kind: crdt.KindTombstone, Tombstone: reply.Tombstone})
	}
}

// keep stores a copy, in place of a random one when there is no room.
func (d *dispatcher) keep(r crdt.Record) {
	if len(d.copies) < copiesMax {
		d.copies = append(d.copies, r)
		return
	}
	d.copies[d.rng.IntN(len(d.copies))] = r
}
