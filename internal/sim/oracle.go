package sim

import (
	"bytes"
	"cmp"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// answersLast is how long a city remembers its answers, by its own clock. One
// that jumps makes it forget early; a real city measures by a clock that does
// not jump.
const answersLast = 10 * time.Minute

// oracle knows the rules of the state a second time, written anew and not
// fast, and follows each incarnation by the effects that its core tells.
type oracle struct {
	w       *world
	shadows []*shadow   // of the living incarnations, by city
	latest  []time.Time // that their clocks ever showed, by city
	answers map[answerKey]givenAnswer
	orders  []order
}

// shadow is what one incarnation must hold: the greatest of all it ever held.
type shadow struct {
	records map[crdt.ID]crdt.Record
	ids     []crdt.ID // in the order in which they came
}

// answerKey is a request to one incarnation.
type answerKey struct {
	city, life int
	caller     string
	request    crdt.ID
}

type givenAnswer struct {
	at    time.Time // by the city's clock
	reply city.Reply
}

// order is one that was answered without a refusal, and what it wrote.
type order struct {
	what   string
	record crdt.Record
}

// holdings are copies of all records of a city at one moment.
type holdings []crdt.Record

func newOracle(w *world) *oracle {
	return &oracle{
		w:       w,
		shadows: make([]*shadow, w.profile.cities),
		latest:  make([]time.Time, w.profile.cities),
		answers: make(map[answerKey]givenAnswer),
	}
}

func (o *oracle) started(n *node) {
	o.shadows[n.index] = &shadow{records: make(map[crdt.ID]crdt.Record)}
	o.latest[n.index] = n.time()
}

// beats says whether a wins over b in a merge: a tombstone over a hero, a hero
// over nothing, then the later order, the greater replica, the later write,
// and last the greater encoding.
func beats(a, b crdt.Record) bool {
	va, vb := versionOf(a), versionOf(b)
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(va.Assigned, vb.Assigned),
		cmp.Compare(va.Replica, vb.Replica),
		cmp.Compare(va.HLC, vb.HLC),
		bytes.Compare(encodingOf(a), encodingOf(b)),
	) > 0
}

// covers says whether one who holds a has also, or has outlived, b.
func covers(a, b crdt.Record) bool { return a == b || beats(a, b) }

func versionOf(r crdt.Record) crdt.Version {
	if r.Kind == crdt.KindTombstone {
		return r.Tombstone.Version
	}
	return r.Hero.Version
}

func encodingOf(r crdt.Record) []byte { return crdt.AppendEntries(nil, r.Entries()) }

// earlierOrder says whether the order of a is an earlier one than that of b.
func earlierOrder(a, b crdt.Version) bool {
	return cmp.Or(cmp.Compare(a.Assigned, b.Assigned), cmp.Compare(a.Replica, b.Replica)) < 0
}

// stepBefore is what must be known of a city from before a step.
type stepBefore struct{ suspicion string }

func (o *oracle) before(n *node, _ city.Message) stepBefore {
	return stepBefore{suspicion: n.core.Suspicion()}
}

// after checks a step: that what changed may change so, and that the answer is
// right.
func (o *oracle) after(n *node, m city.Message, before stepBefore, reply city.Reply, fx city.Effects) {
	if now := n.time(); now.After(o.latest[n.index]) {
		o.latest[n.index] = now
	}
	own := 0
	for _, c := range fx.Changes {
		o.checkGrowth(n, c.Change)
		if c.Source == city.SourceSelf {
			own++
			o.checkOwnWrite(n, m, before, c.Change)
		}
	}
	for _, c := range fx.Changes {
		if got := n.core.State().Record(c.ID); got != o.shadows[n.index].records[c.ID] {
			o.w.fail("a change is what the state then holds", "%v: holds %s, told %s", n,
				describeRecord(got), describeRecord(c.New))
		}
	}
	if own > 1 {
		o.w.fail("a message makes at most one own write", "%v: %s made %d", n, describe(m), own)
	}
	o.w.counts.Writes += uint64(own)
	switch m := m.(type) {
	case city.Create:
		o.checkAnswer(n, m.Caller, reply, own, func() { o.created(n, m, reply) })
	case city.Assign:
		o.checkAnswer(n, m.Caller, reply, own, func() { o.assigned(n, m, reply) })
	case city.Retire:
		o.checkAnswer(n, m.Caller, reply, own, func() { o.retired(n, m, reply) })
	}
}

// checkGrowth checks that a change goes up in the lattice, and from what was
// there.
func (o *oracle) checkGrowth(n *node, c crdt.Change) {
	s := o.shadows[n.index]
	old, known := s.records[c.ID]
	if !known {
		s.ids = append(s.ids, c.ID)
	}
	s.records[c.ID] = c.New
	if c.Old != old {
		o.w.fail("a change is told from what was there", "%v: held %s, told %s", n, describeRecord(old), describeRecord(c.Old))
	}
	if err := c.New.Entries().Validate(); err != nil || c.New.Kind == crdt.KindNone {
		o.w.fail("no city holds a malformed entry", "%v: %s: %v", n, describeRecord(c.New), err)
	}
	if beats(c.New, old) {
		return
	}
	rule := "versions only grow"
	switch {
	case old.Kind == crdt.KindTombstone && c.New.Kind == crdt.KindHero:
		rule = "a dead hero stays dead"
	case old.Kind == c.New.Kind && earlierOrder(versionOf(c.New), versionOf(old)):
		rule = "nothing under an earlier order wins"
	}
	o.w.fail(rule, "%v: %s → %s", n, describeRecord(old), describeRecord(c.New))
}

// checkOwnWrite checks what a city writes by itself: nothing while it suspects
// its clock, nothing too far ahead of it, and by ticks only on its own heroes
// and under the order that they have.
func (o *oracle) checkOwnWrite(n *node, m city.Message, before stepBefore, c crdt.Change) {
	if before.suspicion != "" {
		o.w.fail("a city that suspects its clock writes nothing", "%v: %s", n, describeRecord(c.New))
	}
	if c.New.Kind == crdt.KindHero && c.New.Hero.Version.HLC.Time().Sub(n.time()) > city.OwnSkewMax {
		o.w.fail("no own write is far ahead of the clock", "%v at %v: %s", n, n.time(), describeRecord(c.New))
	}
	switch m.(type) {
	case city.Patrol, city.Fight:
	default:
		return
	}
	old, new := c.Old.Hero, c.New.Hero
	if c.New.Kind == crdt.KindTombstone {
		if !c.New.Tombstone.Version.SameOrder(old.Version) || old.Location != n.cfg.Name {
			o.w.fail("a fight kills only heroes of its city", "%v: %s", n, describeRecord(c.Old))
		}
		return
	}
	if old.Location != n.cfg.Name || new.Location != old.Location || !new.Version.SameOrder(old.Version) || new.Health > old.Health {
		o.w.fail("a tick concerns only heroes of its city, under their order", "%v: %s → %s", n,
			describeRecord(c.Old), describeRecord(c.New))
	}
}

// checkAnswer checks that an answer is a first one, or the same as before.
func (o *oracle) checkAnswer(n *node, caller city.Caller, reply city.Reply, own int, first func()) {
	if reply.Err != nil {
		o.w.counts.Refusals++
		if own > 0 {
			o.w.fail("a refused order writes nothing", "%v: %v", n, reply.Err)
		}
		return
	}
	o.w.counts.Orders++
	key := answerKey{n.index, n.life, caller.Name, caller.Request}
	before, again := o.answers[key]
	same := own == 0 && before.reply == reply
	forgotten := o.latest[n.index].Sub(before.at) > answersLast
	if again && (same || !forgotten) {
		o.w.counts.Remembered++
		if !same {
			o.w.fail("a retry changes nothing and gets the same answer", "%v: %+v, before %+v", n, reply, before.reply)
		}
		return
	}
	o.answers[key] = givenAnswer{at: n.time(), reply: reply}
	if reply.Summary != n.core.State().Summary() {
		o.w.fail("an answer has the summary of the state", "%v", n)
	}
	first()
}

func (o *oracle) created(n *node, m city.Create, reply city.Reply) {
	record := n.core.State().Record(m.Request)
	if record.Kind != crdt.KindHero || record.Hero != reply.Hero || reply.Hero.Name != m.HeroName {
		o.w.fail("a create is answered with the hero", "%v: %+v, holds %s", n, reply.Hero, describeRecord(record))
	}
	o.orders = append(o.orders, order{"create", record})
}

func (o *oracle) assigned(n *node, m city.Assign, reply city.Reply) {
	record := n.core.State().Record(m.Hero)
	want := n.cfg.Name
	if m.Home {
		want = crdt.Home
	}
	h := reply.Hero
	if record.Kind != crdt.KindHero || record.Hero != h || h.Location != want || h.Patrolling ||
		h.Version.Replica != n.cfg.Replica || h.Version.Assigned != h.Version.HLC {
		o.w.fail("an order wins over all that its city knew", "%v: %s, answered %+v", n, describeRecord(record), h)
	}
	o.orders = append(o.orders, order{"assign", record})
}

func (o *oracle) retired(n *node, m city.Retire, reply city.Reply) {
	record := n.core.State().Record(m.Hero)
	if record.Kind != crdt.KindTombstone || record.Tombstone != reply.Tombstone {
		o.w.fail("a retired hero is dead", "%v: %s", n, describeRecord(record))
	}
	o.orders = append(o.orders, order{"retire", record})
}

// holdings copies what a city holds now.
func (o *oracle) holdings(n *node) holdings {
	if n.core == nil {
		return nil
	}
	var all holdings
	e, _, _ := n.core.State().Page(0, 1<<30)
	for _, t := range e.Tombstones {
		all = append(all, crdt.Record{Kind: crdt.KindTombstone, Tombstone: t})
	}
	for _, h := range e.Heroes {
		all = append(all, crdt.Record{Kind: crdt.KindHero, Hero: h})
	}
	return all
}
