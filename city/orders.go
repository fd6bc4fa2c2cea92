package city

import (
	"cmp"
	"time"

	"github.com/citynode/citynode/crdt"
)

// create makes a hero. It refuses before the city is open: the id may be that of a hero,
// or of a death, which a neighbour holds and this city has yet to learn.
func (c *Core) create(now time.Time, m Create, fx *Effects) Reply {
	if err := crdt.ValidateHeroName(m.HeroName); err != nil {
		return Reply{Err: refuse(BadRequest, "%v", err)}
	}
	if m.Request.IsZero() {
		return Reply{Err: refuse(BadRequest, "the request id is the new hero's id and must not be all zeros")}
	}
	if refusal := c.writable(); refusal != nil {
		return Reply{Err: refusal}
	}
	if !c.open {
		return Reply{Err: refuse(Unavailable, "city %s is still learning what its neighbours hold; try again", c.cfg.Name)}
	}
	switch old := c.Record(m.Request); old.Kind {
	case crdt.KindTombstone:
		return Reply{Err: refuse(Dead, "hero %s is dead", m.Request)}
	case crdt.KindHero:
		if old.Hero.Name != m.HeroName {
			return Reply{Err: refuse(BadRequest, "id %s is taken by a hero named %q", m.Request, old.Hero.Name)}
		}
		return Reply{Hero: old.Hero}
	}
	by := m.bringer()
	if refusal := c.admitted(by); refusal != nil {
		return Reply{Err: refusal}
	}
	c.newcomers.pay(by, 1, c.answers.ran)
	hero := crdt.Hero{
		ID:       m.Request,
		Name:     m.HeroName,
		Location: c.placeOf(!m.Here),
		Health:   healthBorn,
		Version:  crdt.Version{Replica: c.cfg.Replica, HLC: crdt.StampAt(now)},
	}
	c.write(crdt.HeroRecord(hero), fx)
	return Reply{Hero: hero}
}

// assign orders a hero here or home. What the caller brought is merged first, so that an
// order to a city that has not heard of the hero yet is carried out, and never under a
// version older than the caller's. The stamp is the clock's, but later than the last
// order's: the last order wins whatever the clocks say. It is refused for its stamp only
// where the own clock has gone back since the last order was taken.
func (c *Core) assign(now time.Time, m Assign, fx *Effects) Reply {
	with := Update{Entries: m.With, Source: SourceCaller, From: m.Name}
	if refusal := c.affordable(with.bringer(), m.With); refusal != nil {
		return Reply{Err: refusal}
	}
	c.update(now, with, fx)
	if refusal := c.writable(); refusal != nil {
		return Reply{Err: refusal}
	}
	hero, refusal := c.living(m.Hero)
	if refusal != nil {
		return Reply{Err: refusal}
	}
	stamp := max(crdt.StampAt(now), hero.Version.Assigned.Next())
	if tooFar(stamp, now) {
		ahead, due := stamp.Time().Sub(now), stamp.Time().Add(-OwnSkewMax)
		return Reply{Err: refuse(Unavailable,
			"the last order for hero %s is stamped %v ahead of the clock of city %s; a new one is possible at %s, in %v",
			m.Hero, ahead.Round(time.Second), c.cfg.Name, due.Format(time.RFC3339), due.Sub(now).Round(time.Second))}
	}
	hero.Location = c.placeOf(m.Home)
	hero.Patrolling = false
	hero.Health = c.healed(hero.Health)
	hero.Version = crdt.Version{Assigned: stamp, Replica: c.cfg.Replica, HLC: stamp}
	c.write(crdt.HeroRecord(hero), fx)
	return Reply{Hero: hero}
}

// retire ends a hero for ever.
func (c *Core) retire(now time.Time, m Retire, fx *Effects) Reply {
	if refusal := c.writable(); refusal != nil {
		return Reply{Err: refusal}
	}
	hero, refusal := c.living(m.Hero)
	if refusal != nil {
		return Reply{Err: refusal}
	}
	return Reply{Tombstone: c.bury(now, hero, fx)}
}

// updateFrom merges entries. Callers and own rules are told of a success, so what
// they bring must become durable; neighbours still have what they sent. An own rule is
// an own write, and stamped by the own clock.
func (c *Core) updateFrom(now time.Time, m Update, fx *Effects) Reply {
	var refusal *Refusal
	switch m.Source {
	case SourceCaller:
		refusal = cmp.Or(c.storing(), c.affordable(m.bringer(), m.Entries))
	case SourceSelf:
		refusal = cmp.Or(c.storing(), c.writable())
	}
	if refusal != nil {
		return Reply{Err: refusal}
	}
	return c.update(now, m, fx)
}

// update merges entries. Those that are stamped too far ahead are left out, and told in
// Future, so that anti-entropy brings them when they are due.
func (c *Core) update(now time.Time, m Update, fx *Effects) Reply {
	fx.Source = m.Source
	horizon := crdt.StampAt(now.Add(FutureSkewMax))
	switch {
	case m.Source == SourceStore: // what the own store holds is fed back whole
		c.tendUntil(now)
		merged := c.bring(m.Entries, crdt.NoHorizon, crdt.NoNewMax, fx)
		return Reply{Changed: len(merged.Changes)}
	case m.Source == SourceSelf:
		return c.updateSelf(m.Entries, horizon, fx)
	}
	return c.admit(m.bringer(), m.Entries, horizon, fx)
}

// updateSelf makes the own writes of a rule. It passes over those to heroes whom this city
// does not tend, as its ticks do, and those that are not under the order which the hero has.
func (c *Core) updateSelf(entries crdt.Entries, horizon crdt.Stamp, fx *Effects) (reply Reply) {
	for _, t := range entries.Tombstones {
		if c.mayWrite(t.ID, t.Version) && c.write(crdt.TombstoneRecord(t), fx) {
			reply.Changed++
		}
	}
	for _, hero := range entries.Heroes {
		r, old := crdt.HeroRecord(hero.Detach()), c.Record(hero.ID)
		switch {
		case !c.mayWrite(hero.ID, hero.Version), !r.Beats(&old):
		case hero.Version.HLC > horizon:
			fx.Future = append(fx.Future, r.Hero)
		case c.write(r, fx):
			reply.Changed++
		}
	}
	reply.Skipped, reply.Future = len(fx.Future), fx.Future
	return reply
}

// mayWrite reports whether an own rule may write a version of a hero.
func (c *Core) mayWrite(id crdt.ID, v crdt.Version) bool {
	held := c.Record(id)
	return c.tends(held) && v.SameOrder(held.Hero.Version)
}

// storing refuses what would not become durable, or not soon.
func (c *Core) storing() *Refusal {
	switch {
	case c.storeFault != "":
		return refuse(Unavailable, "city %s cannot store anything now: %s", c.cfg.Name, c.storeFault)
	case c.waiting >= WaitingMax:
		return refuse(Busy, "city %s has %d orders that wait for its disk; try again after a pause", c.cfg.Name, c.waiting)
	}
	return nil
}

// writable refuses own writes while the own clock is taken for wrong.
func (c *Core) writable() *Refusal {
	if c.suspicion == "" {
		return nil
	}
	return refuse(Unavailable, "city %s does not trust its own clock: %s", c.cfg.Name, c.suspicion)
}

// living returns the hero of that id, or why there is none. The refusals differ
// in what a caller may do: a dead hero stays dead, an unknown one may be known later
// while the city learns, and is known to be unknown once it is open. A city that is full
// never knows that, for it may have left the hero out.
func (c *Core) living(id crdt.ID) (crdt.Hero, *Refusal) {
	switch r := c.Record(id); {
	case r.Kind == crdt.KindHero:
		return r.Hero, nil
	case r.Kind == crdt.KindTombstone:
		return crdt.Hero{}, refuse(Dead, "hero %s is dead", id)
	case c.Full():
		return crdt.Hero{}, c.full()
	case !c.open:
		return crdt.Hero{}, refuse(Unavailable,
			"city %s does not know hero %s, and is still learning what its neighbours hold; try again", c.cfg.Name, id)
	default:
		return crdt.Hero{}, refuse(NotFound, "no hero %s is known to city %s", id, c.cfg.Name)
	}
}

// bury turns a hero into a tombstone. A death keeps the order under which it
// happened and is never refused for its stamp.
func (c *Core) bury(now time.Time, hero crdt.Hero, fx *Effects) crdt.Tombstone {
	version := hero.Version
	version.HLC = max(crdt.StampAt(now), version.Assigned)
	tombstone := crdt.Tombstone{ID: hero.ID, Version: version}
	c.write(crdt.TombstoneRecord(tombstone), fx)
	return tombstone
}

// placeOf returns where an order sends a hero.
func (c *Core) placeOf(home bool) string {
	if home {
		return crdt.Home
	}
	return c.cfg.Name
}

// healed returns the health after an assignment. It is never less than before, even
// where the cap was lowered since.
func (c *Core) healed(health uint8) uint8 {
	return max(health, uint8(min(int(health)+c.cfg.Boost, c.cfg.HealthMax)))
}
