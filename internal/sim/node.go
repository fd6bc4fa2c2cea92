package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/reconcile"
)

// node is one city of the cluster: a core that comes and goes, a clock, and
// what package node keeps round them.
type node struct {
	w        *world
	index    int
	name     string // its own alone, unlike that of its city
	cfg      city.Config
	rng      *rand.Rand // decides whom ticks pick
	clock    clock
	latest   time.Time     // the latest that the clock showed when the city did anything
	core     *city.Core    // nil while it is down
	begun    time.Duration // true time: when the core was made
	life     int           // counts the starts
	number   crdt.Stamp    // the incarnation
	process  int           // counts the kills
	disk     *disk
	journal  *journal // of the present process; nil: nothing is durable
	held     *city.HoldBack[*waiter]
	heard    []hearing // of the other cities, by index
	door     opening
	deferred reconcile.Deferred // heroes that were skipped in this incarnation
	leftOut  leftOut            // what this incarnation had no room for
}

func newNode(w *world, index int) *node {
	name := fmt.Sprintf("city-%c", 'a'+index)
	n := &node{
		w:     w,
		index: index,
		name:  name,
		cfg:   city.Config{Name: cityName(w.profile, index), Replica: crdt.ReplicaOf([]byte(name)), DamageMin: min(w.profile.damageMax, 1), DamageMax: w.profile.damageMax, EntriesMax: w.profile.entriesMax(index)},
		rng:   stream(w.cfg.Seed, uint64(100+index)),
		heard: make([]hearing, w.profile.cities),
		disk:  newDisk(),
	}
	if w.profile.flooded {
		n.cfg.NewIDs, n.cfg.Admins = floodedNewIDs, []string{adminName}
	}
	n.clock = w.newClock()
	return n
}

func (n *node) String() string { return n.name }

// cityName returns the name of the city that a peer runs.
func cityName(p profile, index int) string {
	if p.namesakes && index == 1 {
		index = 0
	}
	return fmt.Sprintf("city-%c", 'a'+index)
}

// time returns what the city's own clock shows.
func (n *node) time() time.Time { return n.clock.at(n.w.now) }

// start begins a new incarnation, which is there once it has what the store
// holds.
func (n *node) start() {
	n.life++
	n.deferred, n.leftOut = reconcile.Deferred{}, make(leftOut)
	n.number = max(crdt.StampAt(n.time()), n.number.Next())
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
		n.disk.closed = n.disk.down
		n.journal = newJournal(n)
	}
	if !n.disk.fails(n) {
		n.disk.number = n.number
	}
	n.journal.begin()
}

// awake fills the incarnation, once the store works, and lets it answer.
func (n *node) awake() {
	if n.journal != nil && n.mustWait() {
		return
	}
	core := city.NewCore(n.cfg, n.number)
	n.begun = n.w.now
	n.w.oracle.started(n)
	if n.journal != nil {
		n.fill(core)
		n.held = city.NewHoldBack[*waiter](core, outlet{n})
	}
	n.core = core
	n.w.oracle.filled(n)
	if n.journal != nil {
		n.release()
	}
	if n.core == nil {
		return // it was bombed while it was filled
	}
	summary := core.State().Summary()
	n.w.tracef("%v starts, incarnation %d, clock %v ahead, with %d+%d", n, n.life, n.clock.skew(n.w.now), summary.Heroes, summary.Tombstones)
	n.judgeClock()
	n.beginOpening()
}

// mustWait reports whether the store cannot be read yet, or is being written for
// the incarnation before. Then the city tries again.
func (n *node) mustWait() bool {
	pause := durable.ResumeEvery
	switch {
	case n.journal.machine.Writing():
		pause = 10 * time.Millisecond
	case n.disk.closed || n.disk.down:
		n.disk.closed = true
		n.journal.step(durable.Failed{Err: errDisk})
	default:
		return false
	}
	life := n.life
	n.journal.after(pause, "load", func() {
		if n.life == life && n.core == nil {
			n.awake()
		}
	})
	return true
}

// crash ends the incarnation; the process goes on, and with it the journal.
func (n *node) crash(why string) {
	if n.core == nil {
		return
	}
	n.w.tracef("%v crashes: %s", n, why)
	n.refuseWaiting()
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
		if j.raises > 0 && n.w.rng.IntN(2) == 0 {
			n.void()
		}
		n.disk.sync(n.keptOf(len(n.disk.written), power))
		n.number = n.disk.number
	}
	n.journal = nil
	clear(n.heard)
	n.restart(100*time.Millisecond + n.w.upTo(3*time.Second))
}

// keptOf returns how many of some batches that were not synced are there still.
func (n *node) keptOf(batches int, power bool) int {
	if power {
		return n.w.rng.IntN(batches + 1)
	}
	return batches
}

func (n *node) end() {
	n.w.counts.Crashes++
	n.core, n.held = nil, nil
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

// bomb has the city lose all: the store at once, the rest soon after. Some bombs
// come in pairs, and the second may overtake the restart after the first.
func (n *node) bomb() {
	n.bombOnce()
	if n.w.rng.IntN(3) == 0 {
		n.w.after(n.w.upTo(50*time.Millisecond), "second bomb", n.bombOnce)
	}
}

func (n *node) bombOnce() {
	if n.core == nil {
		return
	}
	life := n.life
	crash := func() {
		n.w.after(n.w.upTo(5*time.Millisecond), "bomb", func() {
			if n.life == life {
				n.step(city.Bomb{})
			}
		})
	}
	n.w.counts.Bombs++
	if n.journal == nil {
		crash()
		return
	}
	n.journal.raise(crash)
}

// void voids the store.
func (n *node) void() {
	n.w.tracef("%v has its store voided", n)
	n.disk.raise()
	n.w.oracle.voided(n)
}

// failDisk has the disk fail for some seconds, and the store notice it.
func (n *node) failDisk() {
	n.disk.closed = true
	if n.disk.down || n.w.calm {
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
	return n.journal.memory()
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
	before := n.w.oracle.before(n, m)
	n.core.Ran(n.w.now - n.begun)
	if now := n.time(); now.After(n.latest) {
		n.latest = now
	}
	reply, fx := n.core.Step(n.time(), n.rng, m)
	n.w.oracle.after(n, m, before, reply, fx)
	n.traceStep(m, reply, fx)
	if n.w.cfg.sabotage == clockBlind && fx.Source == city.SourceStore {
		fx.Source = city.SourceGossip // as it was before the rule was broken
	}
	t := turn{Reply: reply, Effects: fx}
	if answer != nil {
		t.Waits = &waiter{reply: n.acknowledges(fx, answer), since: n.w.now}
	}
	n.conclude(t)
	if fx.Crash {
		n.crash("bomb")
	}
	return reply, true
}

// acknowledges returns an answer which, if it is a success, says that all that the caller
// brought is durable.
func (n *node) acknowledges(fx city.Effects, answer func(city.Reply)) func(city.Reply) {
	brought := fx.Changes[:fx.Brought]
	return func(reply city.Reply) {
		if reply.Err == nil {
			n.w.oracle.stored(n, brought)
		}
		answer(reply)
	}
}

func (n *node) patrol() { n.step(city.Patrol{}) }

func (n *node) fight() { n.step(city.Fight{}) }

func (n *node) traceStep(m city.Message, reply city.Reply, fx city.Effects) {
	if n.w.cfg.Trace == nil || len(fx.Changes) == 0 && len(fx.Pending) == 0 && reply.Err == nil {
		return
	}
	n.w.tracef("%v %s", n, describe(m))
	if reply.Err != nil {
		n.w.tracef("  refused: %v", reply.Err)
	}
	for c := range fx.All() {
		n.w.tracef("  %s: %s → %s", c.Source, describeRecord(c.Old), describeRecord(c.New))
	}
	for _, r := range fx.Pending {
		n.w.tracef("  pending: %s", describeRecord(r))
	}
	for _, h := range fx.Future {
		n.w.tracef("  skipped as future: %s", describeRecord(crdt.Record{Kind: crdt.KindHero, Hero: h}))
	}
}
