package sim

import (
	"cmp"
	"slices"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
)

// oracle knows the rules of the state a second time, written anew and not
// fast, and follows each incarnation by the effects that its core tells.
type oracle struct {
	w       *world
	shadows []*shadow // of the living incarnations, by city
	answers map[answerKey]givenAnswer
	lives   []*life // by city
	history record
	writers map[writeKey][]writer
}

// oneWriter is the rule that lets two cities have one name and do no harm.
const oneWriter = "a hero is written by the peer whose order it is under"

// writeKey is one version of a hero, alive or dead.
type writeKey struct {
	id      crdt.ID
	version crdt.Version
	kind    crdt.Kind
}

func keyOf(r crdt.Record) writeKey {
	return writeKey{id: r.ID(), version: history.VersionOf(r), kind: r.Kind}
}

// writer is a city that wrote a version by itself, and how often it had lost all by
// then.
type writer struct{ city, memory int }

// shadow is what one incarnation must hold: the greatest of all it ever held.
type shadow struct {
	records map[crdt.ID]crdt.Record
	ids     []crdt.ID                 // in the order in which they came
	waiting map[crdt.ID][]crdt.Record // own writes that are not durable yet, the oldest first
	told    map[crdt.ID]crdt.Record   // what those who watch were told last
	allowed *allowances               // what strangers may bring
}

// goesBy returns what an own write of the incarnation must go by.
func (s *shadow) goesBy(id crdt.ID) crdt.Record {
	r := s.records[id]
	if own := s.waiting[id]; len(own) > 0 && history.Beats(own[len(own)-1], r) {
		r = own[len(own)-1]
	}
	return r
}

// summary returns that of the state, with all own writes that wait.
func (s *shadow) summary(n *node) crdt.Summary {
	summary := n.core.State().Summary()
	for id := range s.waiting {
		summary = summary.Plus(crdt.SummaryOf(s.goesBy(id))).Minus(crdt.SummaryOf(s.records[id]))
	}
	return summary
}

// holdings are copies of all records of a city at one moment.
type holdings []crdt.Record

func newOracle(w *world) *oracle {
	return &oracle{
		w:       w,
		shadows: make([]*shadow, w.profile.cities),
		answers: make(map[answerKey]givenAnswer),
		lives:   newLives(w.profile.cities),
		writers: make(map[writeKey][]writer),
	}
}

func (o *oracle) started(n *node) {
	o.shadows[n.index] = &shadow{records: make(map[crdt.ID]crdt.Record), waiting: make(map[crdt.ID][]crdt.Record), told: make(map[crdt.ID]crdt.Record), allowed: newAllowances(n.cfg)}
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
	own := len(fx.Pending)
	for c := range fx.All() {
		o.checkGrowth(n, c.Change)
		if c.Source == city.SourceSelf {
			own++
			o.checkOwnWrite(n, m, before, c.Change)
		} else {
			o.checkDue(n, c)
			o.diedElsewhere(n, c.New)
		}
	}
	for c := range fx.All() {
		if got := n.core.State().Record(c.ID); got != o.shadows[n.index].records[c.ID] {
			o.w.fail("a change is what the state then holds", "%v: holds %s, told %s", n,
				describeRecord(got), describeRecord(c.New))
		}
	}
	for _, r := range fx.Pending {
		o.checkPending(n, m, before, r)
	}
	if own > 1 {
		o.w.fail("a message makes at most one own write", "%v: %s made %d", n, describe(m), own)
	}
	o.w.counts.Writes += uint64(own)
	o.checkRoom(n)
	o.checkBrought(n, m, before.brings, fx)
	o.checkBusy(n, m, before.brings, reply)
	switch m := m.(type) {
	case city.Create:
		o.checkAnswer(n, m, m.Caller, before, reply, &fx, own, func() { o.created(n, m, reply) })
	case city.Assign:
		o.checkAnswer(n, m, m.Caller, before, reply, &fx, own, func() { o.assigned(n, m, before, reply) })
	case city.Retire:
		o.checkAnswer(n, m, m.Caller, before, reply, &fx, own, func() { o.retired(n, m, reply) })
	case city.Update:
		if reply.Err == nil {
			o.checkTaken(n, m.Entries, before.brings)
		}
	case city.Patrol:
		o.checkIdle(n, fx.Note)
	case city.Fight:
		if fx.Note == "" && own != 1 {
			o.w.fail("a fight costs health", "%v: %d writes", n, own)
		}
	}
}

// checkPending checks an own write that waits to be durable: it goes up from what the
// city goes by, and the state does not show it.
func (o *oracle) checkPending(n *node, m city.Message, before stepBefore, r crdt.Record) {
	s, id := o.shadows[n.index], r.ID()
	old := s.goesBy(id)
	if n.journal == nil {
		o.w.fail("what nobody stores waits for nothing", "%v: %s", n, describeRecord(r))
	}
	o.checkRecord(n, r, old)
	o.checkOwnWrite(n, m, before, crdt.Change{ID: id, Old: old, New: r})
	s.waiting[id] = append(s.waiting[id], r)
	delete(o.lives[n.index].undone, r)
	o.writers[keyOf(r)] = append(o.writers[keyOf(r)], writer{n.index, n.memory()})
	if got := n.core.State().Record(id); got != s.records[id] {
		o.w.fail("what others see is stored", "%v holds %s, and stored %s", n, describeRecord(got), describeRecord(s.records[id]))
	}
	if got := n.core.Record(id); got != r {
		o.w.fail("own writes go by own writes", "%v goes by %s, wrote %s", n, describeRecord(got), describeRecord(r))
	}
}

// entered checks own writes that have become durable, and are in the state now.
func (o *oracle) entered(n *node, fx *city.Effects) {
	s := o.shadows[n.index]
	for _, c := range fx.Changes[fx.Brought:] {
		own, known := s.waiting[c.ID], false
		for i, r := range own {
			if r == c.New {
				s.waiting[c.ID], known = own[i+1:], true
				break
			}
		}
		if !known {
			if n.journal != nil {
				o.w.fail("what enters the state was written", "%v: %s", n, describeRecord(c.New))
			}
			continue
		}
		o.checkGrowth(n, c)
	}
}

// watched checks that those who watch hear of each hero's versions in their order.
func (o *oracle) watched(n *node, changes []crdt.Change) {
	s := o.shadows[n.index]
	for _, c := range changes {
		if before, ok := s.told[c.ID]; ok && !history.Beats(c.New, before) {
			o.w.fail("who watches is told of ever newer versions", "%v: %s, then %s", n, describeRecord(before), describeRecord(c.New))
		}
		s.told[c.ID] = c.New
	}
}

// checkNothingLeft checks that a city which starts has all that it wrote and others have
// of it: else it may carry out a request again whose outcome they know.
func (o *oracle) checkNothingLeft(n *node) {
	if o.w.profile.forgers {
		return // they make versions that a city has written, and never told
	}
	for _, other := range o.w.nodes {
		if other == n || other.core == nil {
			continue
		}
		s := o.shadows[other.index]
		for _, id := range s.ids {
			r := s.records[id]
			by := o.writers[keyOf(r)]
			if len(by) != 1 || by[0] != (writer{n.index, n.memory()}) {
				continue // another's, or voided by a bomb, or two cities wrote the same death
			}
			if got := n.core.State().Record(id); !history.Covers(got, r) {
				o.w.fail("nothing that has left a city is lost by it", "%v wrote %s, which %v holds, and starts with %s",
					n, describeRecord(r), other, describeRecord(got))
			}
		}
	}
}

// released forgets the own writes that a city did not go on with: what others brought
// was greater when they were durable, or they were refused, since they were not given to
// the disk.
func (o *oracle) released(n *node) {
	s := o.shadows[n.index]
	for id, own := range s.waiting {
		last := slices.Index(own, n.core.Record(id))
		for _, r := range own[last+1:] {
			if n.core.StoreFault() != "" && history.Beats(r, s.records[id]) {
				o.lives[n.index].undone[r] = true
			}
		}
		if s.waiting[id] = own[:last+1]; last < 0 {
			delete(s.waiting, id)
		}
	}
	if n.core.StoreFault() != "" {
		o.withdrawn(n)
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
	o.checkRecord(n, c.New, old)
}

// checkRecord checks that a record is well formed and greater than the one before.
func (o *oracle) checkRecord(n *node, now, old crdt.Record) {
	if err := now.Entries().Validate(); err != nil || now.Kind == crdt.KindNone {
		o.w.fail("no city holds a malformed entry", "%v: %s: %v", n, describeRecord(now), err)
	}
	if history.Beats(now, old) {
		return
	}
	rule := "versions only grow"
	switch {
	case old.Kind == crdt.KindTombstone && now.Kind == crdt.KindHero:
		rule = "a dead hero stays dead"
	case old.Kind == now.Kind && earlierOrder(history.VersionOf(now), history.VersionOf(old)):
		rule = "nothing under an earlier order wins"
	}
	o.w.fail(rule, "%v: %s → %s", n, describeRecord(old), describeRecord(now))
}

// checkOwnWrite checks what a city writes by itself: nothing while it suspects
// its clock, nothing too far ahead of it, and by ticks only on heroes that are here under
// an order of its peer, and under that order.
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
	if c.New.Kind == crdt.KindHero && c.New.Hero.Version.Replica != n.cfg.Replica {
		o.w.fail(oneWriter, "%v wrote %s", n, describeRecord(c.New))
	}
	switch m.(type) {
	case city.Patrol, city.Fight:
	default:
		return
	}
	old, new := c.Old.Hero, c.New.Hero
	if old.Version.Replica != n.cfg.Replica {
		o.w.fail(oneWriter, "a tick of %v: %s → %s", n, describeRecord(c.Old), describeRecord(c.New))
	}
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

// diedElsewhere notes a death that others bring. Under an order that is stamped ahead of
// all clocks every death of the hero is the same record, whoever made it, so one that has
// not happened here may have happened there.
func (o *oracle) diedElsewhere(n *node, r crdt.Record) {
	if r.Kind == crdt.KindTombstone {
		delete(o.lives[n.index].undone, r)
	}
}

// checkTaken checks that what was brought is held now, but for what is not due, and for IDs
// that were not known where there was no room for them, or too many of them were brought.
func (o *oracle) checkTaken(n *node, e crdt.Entries, b brings) {
	mayLeaveOut := func(id crdt.ID) bool {
		_, known := o.shadows[n.index].records[id]
		return o.mayLeaveOut(n, id) || !known && b.over()
	}
	for _, t := range e.Tombstones {
		r := crdt.Record{Kind: crdt.KindTombstone, Tombstone: t}
		if !history.Covers(o.shadows[n.index].records[t.ID], r) && !mayLeaveOut(t.ID) {
			o.w.fail("what is brought is taken", "%v: %s", n, describeRecord(r))
		}
	}
	for _, h := range e.Heroes {
		r := crdt.Record{Kind: crdt.KindHero, Hero: h}
		due := h.Version.HLC < crdt.StampAt(n.time().Add(city.FutureSkewMax))
		if due && !history.Covers(o.shadows[n.index].records[h.ID], r) && !mayLeaveOut(h.ID) {
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
