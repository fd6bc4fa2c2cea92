package sim

import (
	"cmp"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
)

// oracle knows the rules of the state a second time, written anew and not
// fast, and follows each incarnation by the effects that its core tells.
type oracle struct {
	w       *world
	shadows []*shadow   // of the living incarnations, by city
	clocks  []shownTime // by city
	answers map[answerKey]givenAnswer
	lives   []*life // by city
	history record
}

// shownTime is what a city's clock has shown.
type shownTime struct {
	latest   time.Time
	wentBack time.Duration // how far it was behind the latest, at most
}

// shadow is what one incarnation must hold: the greatest of all it ever held.
type shadow struct {
	records map[crdt.ID]crdt.Record
	ids     []crdt.ID // in the order in which they came
}

// holdings are copies of all records of a city at one moment.
type holdings []crdt.Record

func newOracle(w *world) *oracle {
	return &oracle{
		w:       w,
		shadows: make([]*shadow, w.profile.cities),
		clocks:  make([]shownTime, w.profile.cities),
		answers: make(map[answerKey]givenAnswer),
		lives:   newLives(w.profile.cities),
	}
}

func (o *oracle) started(n *node) {
	o.shadows[n.index] = &shadow{records: make(map[crdt.ID]crdt.Record)}
	o.clocks[n.index].show(n.time())
}

func (s *shownTime) show(now time.Time) {
	if now.After(s.latest) {
		s.latest = now
	}
	s.wentBack = max(s.wentBack, s.latest.Sub(now))
}

// loaded checks what the store gives back.
func (o *oracle) loaded(n *node, fx city.Effects) {
	for _, c := range fx.Changes {
		o.checkGrowth(n, c)
	}
}

// earlierOrder says whether the order of a is an earlier one than that of b.
func earlierOrder(a, b crdt.Version) bool {
	return cmp.Or(cmp.Compare(a.Assigned, b.Assigned), cmp.Compare(a.Replica, b.Replica)) < 0
}

// after checks a step: that what changed may change so, and that the answer is
// right.
func (o *oracle) after(n *node, m city.Message, before stepBefore, reply city.Reply, fx city.Effects) {
	o.clocks[n.index].show(n.time())
	own := 0
	for c := range fx.All() {
		o.checkGrowth(n, c.Change)
		if c.Source == city.SourceSelf {
			own++
			o.checkOwnWrite(n, m, before, c.Change)
		} else {
			o.checkDue(n, c)
		}
	}
	for c := range fx.All() {
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
		o.checkAnswer(n, m, m.Caller, before, reply, own, func() { o.created(n, m, reply) })
	case city.Assign:
		o.checkAnswer(n, m, m.Caller, before, reply, own, func() { o.assigned(n, m, reply) })
	case city.Retire:
		o.checkAnswer(n, m, m.Caller, before, reply, own, func() { o.retired(n, m, reply) })
	case city.Update:
		if reply.Err == nil {
			o.checkTaken(n, m.Entries)
		}
	case city.Fight:
		if fx.Note == "" && own != 1 {
			o.w.fail("a fight costs health", "%v: %d writes", n, own)
		}
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
	if history.Beats(c.New, old) {
		return
	}
	rule := "versions only grow"
	switch {
	case old.Kind == crdt.KindTombstone && c.New.Kind == crdt.KindHero:
		rule = "a dead hero stays dead"
	case old.Kind == c.New.Kind && earlierOrder(history.VersionOf(c.New), history.VersionOf(old)):
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
	if before.fault {
		o.w.fail("a city whose store does not work writes nothing", "%v: %s", n, describeRecord(c.New))
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

// checkDue checks that no hero is taken from others long before its time.
func (o *oracle) checkDue(n *node, c city.SourcedChange) {
	if c.New.Kind == crdt.KindHero && c.New.Hero.Version.HLC.Time().Sub(n.time()) > city.FutureSkewMax {
		o.w.fail("a hero is taken when it is due", "%v at %v, by %s: %s", n, n.time(), c.Source, describeRecord(c.New))
	}
}

// checkTaken checks that what was brought is held now, but for what is not due.
func (o *oracle) checkTaken(n *node, e crdt.Entries) {
	for _, t := range e.Tombstones {
		r := crdt.Record{Kind: crdt.KindTombstone, Tombstone: t}
		if !history.Covers(o.shadows[n.index].records[t.ID], r) {
			o.w.fail("what is brought is taken", "%v: %s", n, describeRecord(r))
		}
	}
	for _, h := range e.Heroes {
		r := crdt.Record{Kind: crdt.KindHero, Hero: h}
		due := h.Version.HLC < crdt.StampAt(n.time().Add(city.FutureSkewMax))
		if due && !history.Covers(o.shadows[n.index].records[h.ID], r) {
			o.w.fail("what is brought is taken", "%v: %s", n, describeRecord(r))
		}
	}
}

// holdings copies what a city holds now.
func (o *oracle) holdings(n *node) holdings {
	if n.core == nil {
		return nil
	}
	e, _, _ := n.core.State().Page(0, 1<<30)
	return history.RecordsOf(e)
}
