package sim

import (
	"maps"
	"reflect"
	"slices"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
)

// record is the history of a run, as it grows.
type record struct {
	operations []*history.Operation
	sightings  []history.Sighting
	bombings   []history.Bombing
}

// life is what a city has told since it last lost all that it held: what it must
// know still, whatever happens to its process.
type life struct {
	records map[crdt.ID]crdt.Record
	ids     []crdt.ID // in the order in which they came
	empty   bool      // it has not begun
	answers []answerKey
	given   map[answerKey]givenAnswer
	// undone are own writes of which the city said that they have not happened.
	undone map[crdt.Record]bool
}

func newLife() *life {
	return &life{empty: true, records: make(map[crdt.ID]crdt.Record), given: make(map[answerKey]givenAnswer), undone: make(map[crdt.Record]bool)}
}

func newLives(cities int) []*life {
	lives := make([]*life, cities)
	for i := range lives {
		lives[i] = newLife()
	}
	return lives
}

// voided is told when a city loses all that it held.
func (o *oracle) voided(n *node) {
	o.lives[n.index] = newLife()
	var neighbours []string
	for _, peer := range n.peers() {
		neighbours = append(neighbours, peer.name)
	}
	o.history.bombings = append(o.history.bombings, history.Bombing{City: n.name, At: o.w.now, Neighbours: neighbours})
}

// asked is told of an operation; what it returns is told of the reply.
func (o *oracle) asked(dispatcher string, r *request, to *node) func(city.Reply) {
	op := &history.Operation{Dispatcher: dispatcher, City: to.name, Place: to.cfg.Name, Invoked: o.w.now}
	switch m := r.message.(type) {
	case city.Create:
		op.Kind, op.Request, op.Hero = history.Create, m.Request, m.Request
	case city.Assign:
		op.Kind, op.Request, op.Hero, op.Home = history.Assign, m.Request, m.Hero, m.Home
	case city.Retire:
		op.Kind, op.Request, op.Hero = history.Retire, m.Request, m.Hero
	default:
		op.Kind = history.Update
	}
	o.history.operations = append(o.history.operations, op)
	return func(reply city.Reply) {
		op.Answered, op.Life = o.w.now, to.memory()
		if reply.Err != nil {
			op.Outcome, op.Code = history.Refused, city.ReasonOf(reply.Err).String()
			return
		}
		op.Outcome, op.Record = history.Acknowledged, answerOf(reply)
		hero := reply.Hero
		op.Found = op.Kind == history.Create &&
			(hero.Version.Replica != to.cfg.Replica || hero.Version.Assigned > 0 || hero.Patrolling || hero.Health < crdt.HealthMax)
	}
}

// answerOf returns the hero or the tombstone that a reply has.
func answerOf(reply city.Reply) crdt.Record {
	switch {
	case !reply.Hero.ID.IsZero():
		return crdt.Record{Kind: crdt.KindHero, Hero: reply.Hero}
	case !reply.Tombstone.ID.IsZero():
		return crdt.Record{Kind: crdt.KindTombstone, Tombstone: reply.Tombstone}
	default:
		return crdt.Record{}
	}
}

// shown is told of each turn that is told to those who wait and those who watch. What
// others brought may not be durable yet.
func (o *oracle) shown(n *node, t *turn) {
	o.watched(n, t.Effects.Changes)
	o.showed(n, t.Effects.Changes[t.Effects.Brought:])
	lost := n.lost()
	a, ok := t.Effects.Answered()
	if !ok || lost {
		return
	}
	l, key := o.lives[n.index], answerKey{n.index, a.Name, a.Request}
	if created := a.Request == a.Reply.Hero.ID; !created || len(t.Effects.Changes) > 0 {
		l.knows(answerOf(t.Reply))
	}
	l.answers = append(l.answers, key)
	l.given[key] = givenAnswer{since: o.w.now, number: a.Number, reply: t.Reply}
}

// showed is told of what a city shows to all.
func (o *oracle) showed(n *node, changes []crdt.Change) {
	for _, c := range changes {
		o.history.sightings = append(o.history.sightings, history.Sighting{
			City: n.name, Life: n.memory(), At: o.w.now, Hero: c.ID, Record: c.New,
		})
	}
	o.stored(n, changes)
}

// stored is told of what a city must hold from now on unless a bomb voids it.
func (o *oracle) stored(n *node, changes []crdt.Change) {
	for _, c := range changes {
		if !n.lost() {
			o.lives[n.index].knows(c.New)
		}
	}
}

// lost reports whether the store is voided, and the city about to end.
func (n *node) lost() bool { return n.journal != nil && n.memory() != int(n.disk.epoch) }

func (l *life) knows(r crdt.Record) {
	id := history.IDOf(r)
	held, known := l.records[id]
	if !known {
		l.ids = append(l.ids, id)
	}
	if history.Beats(r, held) {
		l.records[id] = r
	}
}

// filled is told when an incarnation has what its store holds: it shows where that
// is less than the city ever told of. It remembers the answers that it gave.
func (o *oracle) filled(n *node) {
	l := o.lives[n.index]
	if summary := n.core.State().Summary(); l.empty && summary != (crdt.Summary{}) {
		o.w.fail("what a bomb voided never comes back", "%v starts with %+v", n, summary)
	}
	l.empty = false
	for _, r := range o.holdings(n) {
		if l.undone[r] {
			o.w.fail("what has not happened stays so", "%v starts with %s", n, describeRecord(r))
		}
	}
	if n.journal != nil && !n.lost() {
		o.checkNothingLeft(n)
	}
	for _, id := range l.ids {
		if history.Covers(n.core.State().Record(id), l.records[id]) {
			continue // it may not be durable, so others may not rely on it
		}
		o.history.sightings = append(o.history.sightings, history.Sighting{
			City: n.name, Life: n.memory(), At: o.w.now, Hero: id, Record: n.core.State().Record(id),
		})
	}
	remembered := make(map[answerKey]givenAnswer)
	for _, a := range n.core.Answers() {
		remembered[answerKey{n.index, a.Name, a.Request}] = givenAnswer{since: o.w.now, number: a.Number, reply: a.Reply}
	}
	for _, key := range l.answers {
		given := l.given[key]
		got, ok := remembered[key]
		if !o.mayForget(given) && (!ok || !reflect.DeepEqual(got.reply, given.reply)) {
			o.w.fail("a retry changes nothing and gets the same answer", "%v remembers %+v since its start, answered %+v", n, got.reply, given.reply)
		}
		if ok {
			l.given[key] = got
		}
	}
	for key := range o.answers {
		if key.city == n.index {
			delete(o.answers, key)
		}
	}
	for key, a := range remembered {
		o.answers[key] = a
	}
}

// survived tells whether a city that did not lose all ever held the record.
func (o *oracle) survived(r crdt.Record) bool {
	id := history.IDOf(r)
	for _, n := range o.w.nodes {
		if history.Covers(o.lives[n.index].records[id], r) {
			return true
		}
		if n.core != nil && history.Covers(o.shadows[n.index].records[id], r) {
			return true
		}
	}
	return false
}

// forget begins a new history, when all is judged. Of what may be answered from
// memory it knows when it was sent first.
func (o *oracle) forget() {
	var sent []*history.Operation
	for _, op := range o.history.operations {
		age := o.w.now - op.Invoked
		if age <= 2*answersLast || op.Kind == history.Create && age <= answersGone { // a create may be sent again at any time
			sent = append(sent, &history.Operation{Dispatcher: op.Dispatcher, Kind: op.Kind, Request: op.Request, Invoked: op.Invoked})
		}
	}
	o.history = record{operations: sent}
	clear(o.writers)
	maps.DeleteFunc(o.answers, func(_ answerKey, a givenAnswer) bool { return o.w.now-a.since > answersGone })
	for _, l := range o.lives {
		l.answers = slices.DeleteFunc(l.answers, func(key answerKey) bool {
			old := o.mayForget(l.given[key])
			if old {
				delete(l.given, key)
			}
			return old
		})
	}
}

// told returns the history until now.
func (o *oracle) told() *history.History {
	h := &history.History{
		Sightings: o.history.sightings,
		Bombings:  o.history.bombings,
		Forged:    o.w.profile.forgers,
		Survived:  o.survived,
	}
	for _, op := range o.history.operations {
		h.Operations = append(h.Operations, *op)
	}
	return h
}
