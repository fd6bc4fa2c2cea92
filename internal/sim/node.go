package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// node is one city of the cluster: a core that comes and goes, a clock, and
// what package node keeps round them.
type node struct {
	w        *world
	index    int
	cfg      city.Config
	rng      *rand.Rand // decides whom ticks pick
	clock    clock
	core     *city.Core // nil while it is down
	life     int        // counts the starts
	number   crdt.Stamp // the incarnation
	process  int        // counts the kills
	disk     *disk
	journal  *journal  // of the present process; nil: nothing is durable
	pending  []turn    // not durable yet, oldest first
	appended uint64    // the number of the last effects that were appended
	heard    []hearing // of the other cities, by index
	door     opening
	deferred reconcile.Deferred // heroes that were skipped in this incarnation
}

func newNode(w *world, index int) *node {
	name := fmt.Sprintf("city-%c", 'a'+index)
	n := &node{
		w:     w,
		index: index,
		cfg:   city.Config{Name: name, Replica: crdt.ReplicaOf([]byte(name)), DamageMin: min(w.profile.damageMax, 1), DamageMax: w.profile.damageMax},
		rng:   stream(w.cfg.Seed, uint64(100+index)),
		heard: make([]hearing, w.profile.cities),
		disk:  newDisk(),
	}
	n.clock = w.newClock()
	return n
}

func (n *node) String() string { return n.cfg.Name }

// time is what the city's own clock shows.
func (n *node) time() time.Time { return n.clock.at(n.w.now) }

// start begins a new incarnation, which is there once it has what the store
// holds.
func (n *node) start() {
	n.life++
	n.deferred = reconcile.Deferred{}
	n.number = max(crdt.StampAt(n.time()), n.number.Next())
	n.pending, n.appended = nil, 0
	if n.w.profile.stores {
		n.openJournal()
	}
	life, process := n.life, n.process
	awake := func() {
		if n.life == life && n.process == process && n.core == nil {
			n.awake()
		}
	}
	if takes := n.w.profile.loadTakes; takes > 0 {
		n.w.after(takes/2+n.w.upTo(takes), "load", awake)
		return
	}
	awake()
}

func (n *node) openJournal() {
	if n.journal == nil {
		n.journal = newJournal(n)
	}
	if n.w.chance(n.w.profile.failPermil) {
		n.failDisk()
	}
	if !n.disk.down {
		n.disk.number = n.number
	}
	n.journal.begin()
}

// awake fills the incarnation, once the store works, and lets it answer.
func (n *node) awake() {
	if n.journal != nil && n.disk.down {
		life := n.life
		n.journal.fail(errDisk)
		if n.w.cfg.sabotage != unwoken {
			n.journal.wake()
		}
		n.journal.after(resumeEvery, "load", func() {
			if n.life == life && n.core == nil {
				n.awake()
			}
		})
		return
	}
	core := city.NewCore(n.cfg, n.number)
	n.w.oracle.started(n)
	if n.journal != nil {
		n.fill(core)
	}
	n.core = core
	n.w.oracle.filled(n)
	if n.journal != nil && n.journal.fault != nil {
		n.journal.news(n.journal.volume)
	}
	summary := core.State().Summary()
	n.w.tracef("%v starts, incarnation %d, clock %v ahead, with %d+%d", n, n.life, n.clock.skew(n.w.now), summary.Heroes, summary.Tombstones)
	n.judgeClock()
	n.beginOpening()
}

// crash ends the incarnation; the process goes on, and with it the journal.
func (n *node) crash(why string) {
	if n.core == nil {
		return
	}
	n.w.tracef("%v crashes: %s", n, why)
	n.refusePending("the city is starting")
	n.end()
	pause := oneOf(n.w.rng, 20*time.Millisecond, 2*time.Second)
	n.restart(time.Millisecond + n.w.upTo(pause))
}

// kill ends the process, or cuts the power of its machine: then what was not
// synced may be gone as well. Of a commit that runs nobody knows.
func (n *node) kill(power bool) {
	if n.life == 0 {
		return
	}
	n.w.tracef("%v is killed, power cut %t", n, power)
	n.w.counts.Kills++
	if power {
		n.w.counts.PowerCuts++
	}
	n.end()
	n.process++
	if j := n.journal; j != nil {
		if j.flying != nil && n.w.rng.IntN(2) == 0 {
			n.disk.write(*j.flying)
		}
		n.disk.sync(n.keptOf(len(n.disk.written), power))
		n.number = n.disk.number
	}
	n.journal = nil
	clear(n.heard)
	n.restart(100*time.Millisecond + n.w.upTo(3*time.Second))
}

// keptOf is how many of some batches that were not synced are there still.
func (n *node) keptOf(batches int, power bool) int {
	if power {
		return n.w.rng.IntN(batches + 1)
	}
	return batches
}

func (n *node) end() {
	n.w.counts.Crashes++
	n.core, n.pending = nil, nil
	if !n.w.profile.stores {
		n.w.oracle.voided(n)
	}
}

func (n *node) restart(after time.Duration) {
	life, process := n.life, n.process
	n.w.after(after, "restart", func() {
		if n.life == life && n.process == process && n.core == nil {
			n.start()
		}
	})
}

// bomb has the city lose all: the store at once, the rest soon after.
func (n *node) bomb() {
	if n.core == nil || !n.raise() {
		return
	}
	n.w.counts.Bombs++
	life := n.life
	n.w.after(n.w.upTo(5*time.Millisecond), "bomb", func() {
		if n.life == life {
			n.step(city.Bomb{})
		}
	})
}

// raise voids the store, if it works.
func (n *node) raise() bool {
	if n.journal == nil {
		return true
	}
	if n.disk.down {
		return false
	}
	n.w.tracef("%v has its store voided", n)
	n.disk.raise()
	n.w.oracle.voided(n)
	return true
}

// failDisk has the disk fail for some seconds.
func (n *node) failDisk() {
	if n.disk.down {
		return
	}
	n.disk.down = true
	n.w.after(n.w.upTo(8*time.Second), "disk works", func() { n.disk.down = false })
}

// memory counts how often the city has lost all that it held.
func (n *node) memory() int {
	if n.journal == nil {
		return n.life
	}
	return n.journal.volume.epoch
}

// step lets the core take a message, and gives its reply at once, before it is
// durable. Nothing happens while it is down.
func (n *node) step(m city.Message) (city.Reply, bool) { return n.take(m, nil) }

// call lets the core take a message; who asked is answered when it is durable.
func (n *node) call(m city.Message, answer func(city.Reply)) { n.take(m, answer) }

func (n *node) take(m city.Message, answer func(city.Reply)) (city.Reply, bool) {
	if n.core == nil {
		return city.Reply{}, false
	}
	before := n.w.oracle.before(n)
	reply, fx := n.core.Step(n.time(), n.rng, m)
	n.w.oracle.after(n, m, before, reply, fx)
	n.traceStep(m, reply, fx)
	n.conclude(turn{message: m, reply: reply, fx: fx, to: answer})
	if fx.Crash {
		n.crash("bomb")
	}
	return reply, true
}

func (n *node) patrol() { n.step(city.Patrol{}) }

func (n *node) fight() { n.step(city.Fight{}) }

func (n *node) traceStep(m city.Message, reply city.Reply, fx city.Effects) {
	if n.w.cfg.Trace == nil || len(fx.Changes) == 0 && reply.Err == nil {
		return
	}
	n.w.tracef("%v %s", n, describe(m))
	if reply.Err != nil {
		n.w.tracef("  refused: %v", reply.Err)
	}
	for c := range fx.All() {
		n.w.tracef("  %s: %s → %s", c.Source, describeRecord(c.Old), describeRecord(c.New))
	}
	for _, h := range fx.Future {
		n.w.tracef("  skipped as future: %s", describeRecord(crdt.Record{Kind: crdt.KindHero, Hero: h}))
	}
}
