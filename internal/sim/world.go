package sim

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/internal/durable"
)

// world is one run: all that exists, and the queue of what will happen. It is
// the only thing that moves time.
type world struct {
	cfg     Config
	profile profile
	rng     *rand.Rand
	queue   queue
	now     time.Duration // true time since the start
	events  uint64
	rush    int // events in the present second of virtual time
	hash    hash.Hash64

	nodes       []*node
	links       *links
	dispatchers []*dispatcher
	oracle      *oracle
	counts      Counts
	born        uint64 // ids of heroes that dispatchers have used
	invented    uint64 // ids that a flooder has made up
	births      pace
	retirements pace

	times    uint64 // of faults that are over
	calm     bool   // the faults are over, and so are orders and ticks
	finished bool
	failure  *Failure
}

func newWorld(cfg Config) *world {
	rng := stream(cfg.Seed, 0)
	p := drawProfile(rng)
	p.flooded = p.flooded || cfg.flooded
	p.namesakes = stream(cfg.Seed, 1).IntN(4) == 0
	return newWorldOf(cfg, p, rng)
}

func newWorldOf(cfg Config, p profile, rng *rand.Rand) *world {
	if cfg.Last > 0 {
		p.lengthen(cfg.Last)
	}
	w := &world{cfg: cfg, profile: p, rng: rng, hash: fnv.New64a()}
	w.oracle = newOracle(w)
	w.links = newLinks(w.profile.cities)
	for i := range w.profile.cities {
		w.nodes = append(w.nodes, newNode(w, i))
	}
	for i := range w.profile.dispatchers {
		w.dispatchers = append(w.dispatchers, newDispatcher(w, i))
	}
	return w
}

// stream returns the n-th random source of a seed.
func stream(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }

// begin schedules what starts a run.
func (w *world) begin() {
	w.tracef("profile: %v", w.profile)
	for _, n := range w.nodes {
		w.after(w.upTo(2*time.Second), "start", n.start)
	}
	w.disturb()
}

// disturb begins a time of faults, with orders and ticks.
func (w *world) disturb() {
	w.calm = false
	for _, n := range w.nodes {
		w.repeat(w.profile.tickEvery, "patrol", n.patrol)
		w.repeat(w.profile.tickEvery, "fight", n.fight)
		w.repeat(w.profile.presenceEvery, "presence", n.sendPresence)
		w.repeat(w.profile.syncEvery, "sync", n.syncWithSomebody)
	}
	for _, d := range w.dispatchers {
		w.repeat(w.profile.orderEvery, "order", d.act)
	}
	if w.profile.crowded {
		w.repeat(w.profile.orderEvery, "flood", w.flood)
	}
	if w.profile.flooded {
		w.repeat(w.profile.orderEvery, "flood", w.inundate)
	}
	w.scheduleFaults()
	w.after(w.profile.faultsLast, "calm", w.calmDown)
}

func (w *world) happen(e event) {
	w.countRush(e.at)
	w.now = e.at
	w.events++
	e.run()
	var b [8]byte
	mix := func(v uint64) {
		binary.LittleEndian.PutUint64(b[:], v)
		_, _ = w.hash.Write(b[:])
	}
	mix(uint64(e.at))
	mix(e.seq)
	_, _ = w.hash.Write([]byte(e.what))
	for _, n := range w.nodes {
		if n.core != nil {
			digest := n.core.State().Summary().Digest
			_, _ = w.hash.Write(digest[:])
		}
	}
}

// rushMax is how many events may happen in one second of virtual time, besides one for each
// entry that the cities hold: after a day they hold thousands, which go from one to another
// in short pages. A thousand seeds have 581 in their fullest one; what tries something again
// without a pause has ten thousand, and would play for ever.
const rushMax = 3_000

// countRush checks that time goes on.
func (w *world) countRush(next time.Duration) {
	w.rush++
	if next.Truncate(time.Second) != w.now.Truncate(time.Second) {
		w.rush = 0
	}
	if w.rush >= rushMax && w.rush >= rushMax+w.held() {
		w.fail("time goes on", "%d events in one second", w.rush)
	}
}

// held returns how many entries the cities hold, all together.
func (w *world) held() (entries int) {
	for _, n := range w.nodes {
		if n.core != nil {
			s := n.core.State().Summary()
			entries += int(s.Heroes + s.Tombstones)
		}
	}
	return entries
}

// after lets something happen once.
func (w *world) after(d time.Duration, what string, run func()) { w.queue.push(w.now+d, what, run) }

// repeat lets something happen again and again until the calm, at intervals
// that vary by a half.
func (w *world) repeat(every time.Duration, what string, run func()) {
	if every == 0 {
		return
	}
	w.after(every/2+w.upTo(every), what, func() {
		if w.calm {
			return
		}
		run()
		w.repeat(every, what, run)
	})
}

// upTo draws a time from zero to below d.
func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

// chance draws true in permil of 1000 cases; never in calm times.
func (w *world) chance(permil int) bool { return !w.calm && w.rng.IntN(1000) < permil }

// delay draws how long a message takes; in calm times, about a millisecond.
func (w *world) delay() time.Duration {
	if w.calm {
		return time.Millisecond/2 + w.upTo(time.Millisecond)
	}
	d := w.profile.delay/2 + w.upTo(w.profile.delay)
	if w.chance(100) {
		return 10 * d
	}
	return d
}

// commitTime draws how long a commit takes.
func (w *world) commitTime() time.Duration {
	d := w.profile.commitTakes/2 + time.Duration(w.rng.Int64N(int64(w.profile.commitTakes)+1))
	switch {
	case w.chance(w.profile.hangPermil):
		return durable.StuckAfter/2 + w.upTo(3*durable.StuckAfter)
	case w.chance(100):
		return 10 * d
	default:
		return d
	}
}

func (w *world) fail(rule, format string, args ...any) {
	if w.failure != nil {
		return
	}
	w.failure = &Failure{Seed: w.cfg.Seed, At: w.now, Rule: rule, Detail: fmt.Sprintf(format, args...), Last: w.cfg.Last}
	w.tracef("FAILED %s: %s", rule, w.failure.Detail)
}

func (w *world) tracef(format string, args ...any) {
	if w.cfg.Trace == nil {
		return
	}
	_, _ = fmt.Fprintf(w.cfg.Trace, "%12v  %s\n", w.now.Round(time.Microsecond), fmt.Sprintf(format, args...))
}

func (w *world) report() Report {
	if len(w.nodes) > 0 && w.nodes[0].core != nil {
		summary := w.nodes[0].core.State().Summary()
		w.counts.Heroes, w.counts.Tombstones = summary.Heroes, summary.Tombstones
	}
	return Report{
		Seed:    w.cfg.Seed,
		Profile: w.profile.String(),
		Events:  w.events,
		Virtual: w.now,
		Hash:    w.hash.Sum64(),
		Counts:  w.counts,
	}
}
