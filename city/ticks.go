package city

import (
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/crdt"
)

// Notes of ticks that found nothing to do.
const (
	NoteNobodyToPatrol = "no hero to send on patrol"
	NoteNobodyToFight  = "no patrolling hero to fight"
	NoteClock          = "clock not trusted, tick left out"
	NoteStore          = "store does not work, tick left out"
)

// patrol sets one random hero that this city tends patrolling.
func (c *Core) patrol(now time.Time, rng *rand.Rand, fx *Effects) {
	if c.rests(fx) {
		return
	}
	c.tendUntil(now)
	all, _ := c.state.Tended()
	hero, stamp, ok := c.pick(now, rng, all)
	if !ok {
		fx.Note = NoteNobodyToPatrol
		return
	}
	if hero.Patrolling {
		return
	}
	hero.Patrolling = true
	hero.Version.HLC = stamp
	c.write(crdt.HeroRecord(hero), fx)
}

// fight costs one random patrolling hero that this city tends some health, or its life.
func (c *Core) fight(now time.Time, rng *rand.Rand, fx *Effects) {
	if c.rests(fx) {
		return
	}
	c.tendUntil(now)
	_, patrolling := c.state.Tended()
	hero, stamp, ok := c.pick(now, rng, patrolling)
	if !ok || !hero.Patrolling {
		fx.Note = NoteNobodyToFight
		return
	}
	damage := c.cfg.DamageMin + rng.IntN(c.cfg.DamageMax-c.cfg.DamageMin+1)
	if damage >= int(hero.Health) {
		c.bury(now, hero, fx)
		return
	}
	hero.Health -= uint8(damage)
	hero.Version.HLC = stamp
	c.write(crdt.HeroRecord(hero), fx)
}

// rests reports whether ticks are left out, and notes why. A tick writes with no caller
// to refuse, so it must not happen where its write would not count.
func (c *Core) rests(fx *Effects) bool {
	switch {
	case c.suspicion != "":
		fx.Note = NoteClock
	case c.storeFault != "":
		fx.Note = NoteStore
	}
	return fx.Note != ""
}

// clockBackMin is by how much the clock must have gone back for the city to look anew at
// all heroes that it tends, for those on which it may not write yet. If it has gone back
// by less, it has soon caught up.
const clockBackMin = 10 * time.Second

// tendUntil has ticks draw only from heroes on which the city may write now. It costs next
// to nothing but where the clock has gone back: then one look at each hero that is tended.
func (c *Core) tendUntil(now time.Time) {
	until := lastWritable(now)
	if until < c.tended && c.tended < until.Add(clockBackMin) {
		return
	}
	c.tended = until
	c.state.TendUntil(until)
}

// lastWritable returns the latest stamp of a hero on which an own write may follow; see
// tooFar.
func lastWritable(now time.Time) crdt.Stamp {
	return crdt.StampAt(now.Add(OwnSkewMax)).Add(time.Millisecond) - 2
}

// pick draws one of the first so many of the heroes that this city tends uniformly,
// passing over those that an own write which is not durable yet sends away or ends; O(1). Those
// whose next stamp would be too far ahead of the local clock are not among them, but where
// that has just gone back a little.
func (c *Core) pick(now time.Time, rng *rand.Rand, among int) (crdt.Hero, crdt.Stamp, bool) {
	if among == 0 {
		return crdt.Hero{}, 0, false
	}
	for range pickAttempts {
		hero, ok := c.state.TendedHero(rng.IntN(among))
		if ok {
			hero, ok = c.stays(hero)
		}
		stamp := max(crdt.StampAt(now), hero.Version.HLC.Next())
		if ok && !tooFar(stamp, now) {
			return hero, stamp, true
		}
	}
	return crdt.Hero{}, 0, false
}

// stays returns a hero that this city tends as own writes go by it. It reports false if one of
// them, which the state does not show yet, has ended it or sent it away.
func (c *Core) stays(hero crdt.Hero) (crdt.Hero, bool) {
	if c.overlay == nil || len(c.overlay.last) == 0 {
		return hero, true
	}
	r := c.Record(hero.ID)
	return r.Hero, c.tends(r)
}

// tends reports whether a record is that of a hero whom this city tends: one that is here,
// under an order that this city's peer gave, in whatever incarnation. One that is here
// under another's order is tended by that other, which has this city's name as well. So
// exactly one peer writes a hero under one order, however often a name is held.
func (c *Core) tends(r crdt.Record) bool {
	return r.Kind == crdt.KindHero && r.Hero.Location == c.cfg.Name && r.Hero.Version.Replica == c.cfg.Replica
}
