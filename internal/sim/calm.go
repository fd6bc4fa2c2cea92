package sim

import (
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

const (
	// settleDown is how long after the faults all messages of before have
	// come, all cities have restarted, and the last retries are over: ten
	// times the longest delay, and some.
	settleDown = 30 * time.Second
	// syncRounds is how many rounds of syncs there are from then on, at least.
	// In each, every city syncs with one other, in turn, so that after one
	// cycle of at most five rounds each pair has met, and after two what one
	// city holds has come to all.
	syncRounds = 12
	// syncTries is how often a sync of such a round is begun that the states outrun. Only
	// the other sessions of the round change states then, and they end.
	syncTries = 3
)

// calmDown ends the faults: no more crashes, loss and partitions, no more
// orders and ticks, and, in some runs, right clocks.
func (w *world) calmDown() {
	w.calm = true
	w.links.mend()
	for _, n := range w.nodes {
		n.disk.down = false
	}
	if w.profile.clocksHealed {
		for _, n := range w.nodes {
			n.clock = clock{}
		}
	}
	w.tracef("calm: no more faults, clocks healed: %t", w.profile.clocksHealed)
	w.after(settleDown, "settle", func() {
		// Heroes from clocks that were ahead are taken when they are due.
		due := w.untilDue()
		w.tracef("settling; the last future hero is due in %v", due)
		w.after(due, "rounds", func() { w.round(0) })
	})
}

// untilDue returns how long until no hero that a city holds is a future one for any
// other.
func (w *world) untilDue() time.Duration {
	var latest crdt.Stamp
	for _, n := range w.nodes {
		for _, r := range w.oracle.holdings(n) {
			if r.Kind == crdt.KindHero {
				latest = max(latest, r.Hero.Version.HLC)
			}
		}
	}
	var due time.Duration
	for _, n := range w.nodes {
		ahead := latest.Time().Sub(n.time()) - city.FutureSkewMax
		due = max(due, ahead+ahead/10) // some clocks are slow
	}
	return max(due, 0) + time.Second
}

// vary draws other faults, and sets the clocks wrong anew.
func (w *world) vary() {
	w.profile = w.profile.redrawn(w.rng, w.cfg.Last)
	w.tracef("profile: %v", w.profile)
	for _, n := range w.nodes {
		n.clock = w.newClock()
	}
}

// round lets every city sync with another one, and looks whether all is well
// after enough rounds.
func (w *world) round(i int) {
	if i == syncRounds {
		w.oracle.judge()
		w.probe()
		w.times++
		w.oracle.forget()
		if w.cfg.Calm != nil {
			w.cfg.Calm(w.report())
		}
		if w.finished = w.now >= w.cfg.Last; !w.finished {
			w.vary()
			w.disturb()
		}
		return
	}
	for _, n := range w.nodes {
		step := 1 + i%(len(w.nodes)-1)
		w.syncInCalm(n, w.nodes[(n.index+step)%len(w.nodes)], syncTries, func(err error) {
			if err != nil {
				w.fail("in calm times every sync completes", "%v: %v", n, err)
			}
		})
	}
	w.after(sessionTimeout*4, "round", func() { w.round(i + 1) })
}

// probe checks that in the end every city with a clock that it trusts carries
// out orders.
func (w *world) probe() {
	for i, n := range w.nodes {
		if _, strangers := n.room(); n.core == nil || n.core.Suspicion() != "" || w.oracle.shadows[n.index].size() >= strangers {
			continue
		}
		id := requestID(2, w.times<<8+uint64(i))
		reply, _ := n.step(city.Create{Caller: city.Caller{Name: "probe", Request: id}, HeroName: "probe"})
		if reply.Err == nil {
			reply, _ = n.step(city.Assign{Hero: id})
		}
		if reply.Err != nil || reply.Hero.Location != n.cfg.Name {
			w.fail("in calm times cities carry out orders", "%v: %v", n, reply.Err)
		}
	}
}
