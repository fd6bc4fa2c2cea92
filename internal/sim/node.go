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
	heard    []hearing  // of the other cities, by index
	door     opening
	deferred reconcile.Deferred // heroes that were skipped in this incarnation
}

func newNode(w *world, index int) *node {
	name := fmt.Sprintf("city-%c", 'a'+index)
	n := &node{
		w:     w,
		index: index,
		cfg:   city.Config{Name: name, Replica: crdt.ReplicaOf([]byte(name))},
		rng:   stream(w.cfg.Seed, uint64(100+index)),
		heard: make([]hearing, w.profile.cities),
	}
	n.clock = clock{offset: w.profile.offset(w.rng), drift: w.profile.drift(w.rng)}
	return n
}

func (n *node) String() string { return n.cfg.Name }

// time is what the city's own clock shows.
func (n *node) time() time.Time { return n.clock.at(n.w.now) }

// start begins a new, empty incarnation.
func (n *node) start() {
	n.life++
	n.deferred = reconcile.Deferred{}
	n.number = max(crdt.StampAt(n.time()), n.number.Next())
	n.core = city.NewCore(n.cfg, n.number)
	n.w.oracle.started(n)
	n.w.tracef("%v starts, incarnation %d, clock %v ahead", n, n.life, n.clock.skew(n.w.now))
	n.judgeClock()
	n.beginOpening()
}

// crash ends the incarnation, and all that it held is gone.
func (n *node) crash(why string) {
	if n.core == nil {
		return
	}
	n.w.tracef("%v crashes: %s", n, why)
	n.w.counts.Crashes++
	n.core = nil
	n.w.after(time.Millisecond+n.w.upTo(2*time.Second), "restart", func() {
		if n.core == nil {
			n.start()
		}
	})
}

// step lets the core take a message. Nothing happens while it is down.
func (n *node) step(m city.Message) (city.Reply, bool) {
	if n.core == nil {
		return city.Reply{}, false
	}
	before := n.w.oracle.before(n)
	reply, fx := n.core.Step(n.time(), n.rng, m)
	n.w.oracle.after(n, m, before, reply, fx)
	n.traceStep(m, reply, fx)
	n.gossip(fx)
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
