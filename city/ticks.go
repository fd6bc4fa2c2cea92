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

// patrol sets one random hero of this city patrolling.
func (c *Core) patrol(now time.Time, rng *rand.Rand, fx *Effects) {
	if c.rests(fx) {
		return
	}
	hero, stamp, ok := c.pick(now, rng, c.state.CountAt, c.state.HeroAt)
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

// fight costs one random patrolling hero some health, or its life.
func (c *Core) fight(now time.Time, rng *rand.Rand, fx *Effects) {
	if c.rests(fx) {
		return
	}
	hero, stamp, ok := c.pick(now, rng, c.state.PatrollingAt, c.state.PatrollingHeroAt)
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

// pick draws one hero of this city uniformly, passing over those whose next
// stamp would be too far ahead of the local clock, and those that an own write which is
// not durable yet sends away or ends; O(1).
func (c *Core) pick(
	now time.Time,
	rng *rand.Rand,
	count func(location string) int,
	at func(location string, i int) (crdt.Hero, bool),
) (crdt.Hero, crdt.Stamp, bool) {
	n := count(c.cfg.Name)
	if n == 0 {
		return crdt.Hero{}, 0, false
	}
	latest := crdt.StampAt(now.Add(OwnSkewMax))
	for range pickAttempts {
		hero, ok := at(c.cfg.Name, rng.IntN(n))
		if ok {
			hero, ok = c.stays(hero)
		}
		stamp := max(crdt.StampAt(now), hero.Version.HLC.Next())
		if ok && stamp <= latest {
			return hero, stamp, true
		}
	}
	return crdt.Hero{}, 0, false
}

// stays returns a hero of this city as own writes go by it. It reports false if one of
// them, which the state does not show yet, has ended it or sent it away.
func (c *Core) stays(hero crdt.Hero) (crdt.Hero, bool) {
	if c.overlay == nil || len(c.overlay.last) == 0 {
		return hero, true
	}
	r := c.Record(hero.ID)
	return r.Hero, r.Kind == crdt.KindHero && r.Hero.Location == c.cfg.Name
}
