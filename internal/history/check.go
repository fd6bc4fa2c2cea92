package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/citynode/citynode/crdt"
)

// Check returns the violations in a history, given what each city holds after
// healing. Without finals it checks only what dispatchers were told and saw.
func Check(h *History, finals []Final) []Violation {
	c := checker{history: h, finals: finals, held: make([]map[crdt.ID]crdt.Record, len(finals))}
	for i, f := range finals {
		c.held[i] = make(map[crdt.ID]crdt.Record, f.Entries.Len())
		for _, r := range RecordsOf(f.Entries) {
			c.held[i][IDOf(r)] = r
		}
	}
	c.checkAnswers()
	c.checkHealth()
	c.checkVersions()
	c.checkGrowth()
	c.checkKept()
	c.checkAgreement()
	return c.found
}

// A checker is the state of one Check.
type checker struct {
	history *History
	finals  []Final
	held    []map[crdt.ID]crdt.Record // of the finals
	found   []Violation
}

func (c *checker) violated(v Violation, format string, args ...any) {
	v.Detail = fmt.Sprintf(format, args...)
	c.found = append(c.found, v)
}

// checkAnswers looks at each answer by itself. An update names no hero, so nothing is known
// of what its answer must be.
func (c *checker) checkAnswers() {
	for i := range c.history.Operations {
		o := &c.history.Operations[i]
		if o.Outcome != Acknowledged || o.Kind == Update {
			continue
		}
		if why := misanswered(o); why != "" {
			c.violated(Violation{Rule: Misanswered, Hero: o.Hero, Cities: []string{o.City}, Operation: o, Got: o.Record},
				"%v was answered with %s: %s", o, describe(o.Record), why)
		}
	}
}

// misanswered returns what is wrong with an answer, or "".
func misanswered(o *Operation) string {
	hero := o.Record.Hero
	want, place := crdt.KindHero, cmp.Or(o.Place, o.City)
	if o.Kind == Retire {
		want = crdt.KindTombstone
	}
	if o.Home {
		place = crdt.Home
	}
	switch {
	case o.Record.Kind != want:
		return fmt.Sprintf("that is no %s", want)
	case IDOf(o.Record) != o.Hero:
		return fmt.Sprintf("that is of %v", IDOf(o.Record))
	case o.Kind != Assign:
		return ""
	case hero.Location != place:
		return "it was sent to " + place
	case hero.Patrolling:
		return "an order ends the patrol"
	case hero.Version.Assigned == 0 || hero.Version.Assigned != hero.Version.HLC:
		return "that is not the version of an order"
	default:
		return ""
	}
}

// checkHealth looks at each hero that was seen alive.
func (c *checker) checkHealth() {
	for s := range c.seen() {
		h := s.record.Hero
		if s.record.Kind == crdt.KindHero && (h.Health < crdt.HealthMin || h.Health > crdt.HealthMax) {
			c.violated(Violation{Rule: Unhealthy, Hero: h.ID, Cities: []string{s.city}, Operation: s.operation, Got: s.record},
				"%v: %s %s %s", h.ID, s.city, s.verb(), describe(s.record))
		}
	}
}

// checkVersions looks for two different heroes with one version. It checks nothing
// after a bomb: a city that has lost all may give a version a second time if its
// clock is behind the stamp of the hero.
func (c *checker) checkVersions() {
	if c.history.Forged || len(c.history.Bombings) > 0 {
		return
	}
	type name struct {
		id      crdt.ID
		version crdt.Version
	}
	first := make(map[name]sight)
	for s := range c.seen() {
		if s.record.Kind != crdt.KindHero {
			continue
		}
		n := name{s.record.Hero.ID, s.record.Hero.Version}
		f, known := first[n]
		if !known {
			first[n] = s
			continue
		}
		if f.record != s.record {
			c.violated(Violation{Rule: Ambiguous, Hero: n.id, Cities: []string{f.city, s.city}, Operation: s.operation, Had: f.record, Got: s.record},
				"%v: %s %s %s, %s %s %s", n.id, f.city, f.verb(), describe(f.record), s.city, s.verb(), describe(s.record))
		}
	}
}

// checkKept looks for acknowledged records and for deaths that are missing after
// healing.
func (c *checker) checkKept() {
	for i := range c.history.Operations {
		o := &c.history.Operations[i]
		switch {
		case o.Outcome == Acknowledged && o.Kind != Update && !o.Found:
			c.checkKeptBy(sight{city: o.City, hero: o.Hero, record: o.Record, start: o.Invoked, end: o.Answered, operation: o})
		case o.Outcome == Refused && o.Code == codeDead:
			death := crdt.Record{Kind: crdt.KindTombstone, Tombstone: crdt.Tombstone{ID: o.Hero}}
			c.checkKeptBy(sight{city: o.City, hero: o.Hero, record: death, start: o.Invoked, end: o.Answered, operation: o})
		}
	}
	for _, s := range c.history.Sightings {
		if s.Record.Kind == crdt.KindTombstone {
			c.checkKeptBy(sight{city: s.City, hero: s.Hero, record: s.Record, start: s.At, end: s.At})
		}
	}
}

// checkKeptBy checks that each final covers what was seen. After healing there is no city
// that may still have to learn of it.
func (c *checker) checkKeptBy(s sight) {
	for i, f := range c.finals {
		now := c.held[i][s.hero]
		if Covers(now, s.record) || !c.survived(s) || now.Kind == crdt.KindNone && f.Full && c.heldBySome(s) {
			continue
		}
		v := Violation{Rule: Lost, Hero: s.hero, Cities: []string{s.city, f.City}, Operation: s.operation, Had: s.record, Got: now}
		if s.record.Kind == crdt.KindTombstone && now.Kind == crdt.KindHero {
			v.Rule = Undead
		}
		c.violated(v, "%v: %s %s %s; in the end %s holds %s%s", s.hero, s.city, s.verb(), describe(s.record), f.City, describe(now), c.bombs(s))
		return // one city is enough: they agree, or that is told
	}
}

// heldBySome reports whether a final covers what was seen.
func (c *checker) heldBySome(s sight) bool {
	return slices.ContainsFunc(c.held, func(held map[crdt.ID]crdt.Record) bool { return Covers(held[s.hero], s.record) })
}

// survived reports whether a record that was seen must be there in the end.
func (c *checker) survived(s sight) bool {
	if c.history.Survived != nil {
		return c.history.Survived(s.record)
	}
	if !c.bombedAfter(s) {
		return true
	}
	for other := range c.seen() {
		if other.hero == s.hero && Covers(other.record, s.record) && !c.bombedAfter(other) {
			return true
		}
	}
	return false
}

// bombedAfter reports whether the city that showed a record may have lost it to a
// bomb.
func (c *checker) bombedAfter(s sight) bool {
	return slices.ContainsFunc(c.history.Bombings, func(b Bombing) bool { return b.City == s.city && b.At >= s.start })
}

// bombs returns words about the bombs on a city after it showed a record.
func (c *checker) bombs(s sight) string {
	var text strings.Builder
	for _, b := range c.history.Bombings {
		if b.City == s.city && b.At >= s.start {
			fmt.Fprintf(&text, "; %s was bombed at %v, with neighbours %v", b.City, b.At, b.Neighbours)
		}
	}
	return text.String()
}

// checkAgreement checks that all finals are equal, but for what those that are full have
// left out.
func (c *checker) checkAgreement() {
	for i := range c.finals {
		for j := range i {
			if j == 0 || c.finals[i].Full || c.finals[j].Full { // who is not full agrees with the first
				c.checkPair(j, i)
			}
		}
	}
}

func (c *checker) checkPair(a, b int) {
	one, other := c.finals[a], c.finals[b]
	if one.Summary == other.Summary {
		return
	}
	v := Violation{Rule: Split, Cities: []string{one.City, other.City}}
	v.Hero, v.Had, v.Got = c.difference(a, b)
	if (one.Full || other.Full) && v.Hero == (crdt.ID{}) {
		return
	}
	c.violated(v, "%s holds %+v, %s %+v; of %v %s holds %s, %s %s", one.City, one.Summary, other.City, other.Summary,
		v.Hero, one.City, describe(v.Had), other.City, describe(v.Got))
}

// difference returns the first hero of which two cities hold different records, and
// these records. What a city that is full does not know is no difference. It goes through
// the entries and not through the maps: one history has its violations in one order.
func (c *checker) difference(a, b int) (id crdt.ID, of, to crdt.Record) {
	for _, r := range RecordsOf(c.finals[a].Entries) {
		if other := c.held[b][IDOf(r)]; other != r && (other.Kind != crdt.KindNone || !c.finals[b].Full) {
			return IDOf(r), r, other
		}
	}
	for _, r := range RecordsOf(c.finals[b].Entries) {
		if other := c.held[a][IDOf(r)]; other != r && (other.Kind != crdt.KindNone || !c.finals[a].Full) {
			return IDOf(r), other, r
		}
	}
	return crdt.ID{}, crdt.Record{}, crdt.Record{}
}
