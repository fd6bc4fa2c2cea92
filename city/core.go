package city

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/crdt"
)

// Bounds on stamps ahead of the local clock.
const (
	// FutureSkewMax is how far ahead of the local clock a hero's stamp may be
	// to be taken from others.
	FutureSkewMax = crdt.FutureSkewMax
	// OwnSkewMax is how far ahead of the local clock an own write may be, in whole
	// milliseconds: the counter within the last of them does not matter. It is not less
	// than FutureSkewMax, so that no stamp which a stranger puts on a hero keeps those
	// whom the hero concerns from ordering it: what was taken can be followed by a
	// write. A neighbour whose clock is a little late takes such a write a little later.
	// Only a city whose own clock has gone back holds what lies beyond.
	OwnSkewMax = FutureSkewMax
)

// tooFar reports whether an own write of this stamp is too far ahead of the clock.
func tooFar(stamp crdt.Stamp, now time.Time) bool { return stamp.Time().Sub(now) > OwnSkewMax }

// pickAttempts is how often a tick draws again when an own write that is not durable yet
// sends the hero away that it drew. It keeps a tick O(1); with half of the heroes
// eligible it misses them all once in 2^32 ticks.
const pickAttempts = 32

// Core is a city without a clock, a network or a goroutine: a machine from
// messages to replies and effects. It has one owner and is not safe for
// concurrent use.
type Core struct {
	cfg         Config
	incarnation crdt.Stamp
	state       *crdt.State
	overlay     *overlay // nil: own writes enter the state at once
	waiting     int      // turns that a HoldBack keeps back
	answers     *answers
	newcomers   *newcomers
	cut         *cut       // what is exported now, or nil
	tended      crdt.Stamp // that of the state's TendUntil
	open        bool       // an unknown id is not found; before, somebody may know it
	suspicion   string     // why own writes are refused: the clock is wrong
	storeFault  string     // likewise: they would not become durable
}

// NewCore returns an empty city of the given incarnation. The configuration must be
// valid. Own writes enter the state at once, unless a [HoldBack] is made for the Core.
func NewCore(cfg Config, incarnation crdt.Stamp) *Core {
	return &Core{
		cfg:         cfg.WithDefaults(),
		incarnation: incarnation,
		state:       crdt.NewTendedState(cfg.Name, cfg.Replica),
		answers:     newAnswers(cfg.Admins),
		newcomers:   newNewcomers(cfg.WithDefaults()),
		tended:      crdt.NoHorizon,
	}
}

// State returns the replicated state, for reading only, by the Core's owner. Only Step
// and the Core's HoldBack write it: the digest and the indexes change with each write.
// Own writes that are not durable yet are not in it; see [Core.Record].
func (c *Core) State() *crdt.State { return c.state }

// Incarnation returns the stamp of this city's start.
func (c *Core) Incarnation() crdt.Stamp { return c.incarnation }

// IsOpen reports whether an unknown id is answered with not_found.
func (c *Core) IsOpen() bool { return c.open }

// Suspicion returns why the own clock is taken for wrong, or "".
func (c *Core) Suspicion() string { return c.suspicion }

// StoreFault returns why writes do not become durable, or "".
func (c *Core) StoreFault() string { return c.storeFault }

// Answers returns the answers that are remembered, the oldest first: in the order in
// which Remember takes them back.
func (c *Core) Answers() []Answered { return c.answers.all() }

// AnswerBytes returns the memory that remembered answers to callers other than admins are
// counted for: of those that have a connection, and of all others.
func (c *Core) AnswerBytes() (connected, others int) {
	return c.answers.connected.bytes, c.answers.others.bytes
}

// Ran says for how long the city has run, which may not go back. By it answers age: the
// wall clock may be set.
func (c *Core) Ran(running time.Duration) { c.answers.ran = running }

// Step applies one message at the time now. The random source decides only
// whom a tick picks and how hard a fight is.
func (c *Core) Step(now time.Time, rng *rand.Rand, m Message) (Reply, Effects) {
	var fx Effects
	switch m := m.(type) {
	case Create:
		return c.once(m.Caller, digestOf(m), &fx, func() Reply { return c.create(now, m, &fx) }), fx
	case Assign:
		return c.once(m.Caller, digestOf(m), &fx, func() Reply { return c.assign(now, m, &fx) }), fx
	case Retire:
		return c.once(m.Caller, digestOf(m), &fx, func() Reply { return c.retire(now, m, &fx) }), fx
	case Update:
		reply := c.updateFrom(now, m, &fx)
		reply.Summary = c.summary()
		return reply, fx
	case Patrol:
		c.patrol(now, rng, &fx)
		return Reply{Summary: c.summary()}, fx
	case Fight:
		c.fight(now, rng, &fx)
		return Reply{Summary: c.summary()}, fx
	case Bomb:
		fx.Crash = true
	case Open:
		c.open = true
	case Suspect:
		c.suspicion = m.Reason
	case Fault:
		c.storeFault = m.Reason
	case Departed:
		c.answers.departed(m.Name)
	case Remember:
		c.answers.restore(m.Answers)
	default:
		panic(fmt.Sprintf("city: unknown message %T", m))
	}
	// The rest is about the city and not about heroes, so nothing of its reply has to wait.
	fx.atOnce = true
	return Reply{Summary: c.state.Summary()}, fx
}
