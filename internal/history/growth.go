package history

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/citynode/citynode/crdt"
)

// A sight is a record that a city showed at some time from start to end.
type sight struct {
	city       string
	life       int
	hero       crdt.ID
	record     crdt.Record
	start, end time.Duration
	operation  *Operation // nil: it was no answer
	final      bool
}

func (s *sight) verb() string {
	switch {
	case s.final:
		return "holds in the end"
	case s.operation != nil:
		return "answered the " + s.operation.String() + " with"
	default:
		return "showed at " + s.end.String()
	}
}

// seen returns all records that were seen: answers, sightings and finals.
func (c *checker) seen() iter.Seq[sight] {
	return func(yield func(sight) bool) {
		for s := range c.told() {
			if !yield(s) {
				return
			}
		}
		for i := range c.finals {
			for _, r := range RecordsOf(c.finals[i].Entries) {
				if !yield(sight{city: c.finals[i].City, hero: IDOf(r), record: r, final: true}) {
					return
				}
			}
		}
	}
}

// told returns the records that were seen before the end. The answer to an order
// may be from any time since the order was first sent, because a later try may get
// the answer of an earlier one.
func (c *checker) told() iter.Seq[sight] {
	type order struct {
		dispatcher string
		request    crdt.ID
	}
	sent := make(map[order]time.Duration)
	for _, o := range c.history.Operations {
		key := order{o.Dispatcher, o.Request}
		if first, again := sent[key]; !again || o.Invoked < first {
			sent[key] = o.Invoked
		}
	}
	return func(yield func(sight) bool) {
		for i := range c.history.Operations {
			o := &c.history.Operations[i]
			if o.Outcome != Acknowledged || o.Kind == Update {
				continue
			}
			s := sight{city: o.City, life: o.Life, hero: o.Hero, record: o.Record, start: sent[order{o.Dispatcher, o.Request}], end: o.Answered, operation: o}
			if !yield(s) {
				return
			}
		}
		for _, o := range c.history.Sightings {
			if !yield(sight{city: o.City, life: o.Life, hero: o.Hero, record: o.Record, start: o.At, end: o.At}) {
				return
			}
		}
	}
}

// A place is where versions of a hero only grow: one life of a city or, if city is
// "", all cities after healing.
type place struct {
	city string
	life int
	hero crdt.ID
}

// checkGrowth looks for a record that was shown after a later one.
func (c *checker) checkGrowth() {
	places := make(map[place][]sight)
	var order []place
	add := func(p place, s sight) {
		if _, known := places[p]; !known {
			order = append(order, p)
		}
		places[p] = append(places[p], s)
	}
	for s := range c.told() {
		add(place{s.city, s.life, s.hero}, s)
		if healed := c.history.Healed; healed > 0 && s.start >= healed {
			add(place{hero: s.hero}, s)
		}
	}
	for _, p := range order {
		c.checkGrowthOf(places[p])
	}
}

// checkGrowthOf checks that each record covers all records that had been shown
// before the record was. Of two sights that overlap in time nothing follows: which was
// first nobody knows. So each begins at its start and counts from its end, and two
// sorted lists take n log n where comparing all pairs takes n².
func (c *checker) checkGrowthOf(shown []sight) {
	ended := slices.Clone(shown)
	slices.SortStableFunc(shown, func(a, b sight) int { return cmp.Compare(a.start, b.start) })
	slices.SortStableFunc(ended, func(a, b sight) int { return cmp.Compare(a.end, b.end) })
	var floor sight
	for _, s := range shown {
		for ; len(ended) > 0 && ended[0].end < s.start; ended = ended[1:] {
			if o := ended[0].operation; (o == nil || !o.Found) && Beats(ended[0].record, floor.record) {
				floor = ended[0]
			}
		}
		if Covers(s.record, floor.record) || bothDead(s.record, floor.record) {
			continue
		}
		v := Violation{Rule: WentBack, Hero: s.hero, Cities: []string{floor.city, s.city}, Operation: s.operation, Had: floor.record, Got: s.record}
		if floor.record.Kind == crdt.KindTombstone && s.record.Kind == crdt.KindHero {
			v.Rule = Undead
		}
		c.violated(v, "%v: %s %s %s, and later %s %s %s", s.hero, floor.city, floor.verb(), describe(floor.record), s.city, s.verb(), describe(s.record))
	}
}

// bothDead reports whether both are tombstones and a is a death of which nothing
// else was seen.
func bothDead(a, b crdt.Record) bool {
	return a.Kind == crdt.KindTombstone && b.Kind == crdt.KindTombstone && a.Tombstone.Version == (crdt.Version{})
}
