package sim

import (
	"errors"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/durable"
)

// waitMax is how long a reply may wait for the disk: for a commit that ends just
// before it counts as hanging, and for one that hangs until that is noticed.
const waitMax = 2*(durable.StuckAfter+durable.StuckAfter/5) + time.Second

// waiter is one who waits for a reply.
type waiter struct {
	reply func(city.Reply)
	since time.Duration // true time
}

func (n *node) answer(w *waiter, reply city.Reply) {
	if waited := n.w.now - w.since; waited > waitMax {
		n.w.fail("who waits hears of a fault in time", "%v: after %v", n, waited)
	}
	w.reply(reply)
}

// turn is one step of a core.
type turn = city.Turn[*waiter]

// outlet lets out what the real holding part of package city held back.
type outlet struct{ n *node }

// Tell answers who waits, and tells all others.
func (o outlet) Tell(t *turn) {
	o.n.w.oracle.entered(o.n, &t.Effects)
	o.n.w.oracle.shown(o.n, t)
	if t.Waits != nil {
		o.n.answer(t.Waits, t.Reply)
	}
	o.n.gossip(t.Effects)
}

// Refuse answers one whose turn may not become durable.
func (o outlet) Refuse(waits *waiter, reply city.Reply) { o.n.answer(waits, reply) }

// conclude tells a turn, or holds it back until it is durable.
func (n *node) conclude(t turn) {
	if n.journal == nil {
		outlet{n}.Tell(&t)
		return
	}
	n.held.Add(n.journal, t)
	if n.w.cfg.sabotage == answerEarly {
		n.release()
	}
}

// release tells the turns that have become durable. A city whose store was voided
// ends.
func (n *node) release() {
	written := n.journal.written()
	if errors.Is(written.Fault, city.ErrBombed) {
		n.crash("bomb")
		return
	}
	n.core.Ran(n.w.now - n.begun)
	n.held.Release(n.time(), n.rng, written)
	n.w.oracle.released(n)
}

// refuseWaiting answers those who wait when the incarnation ends.
func (n *node) refuseWaiting() {
	if n.held == nil {
		return
	}
	for _, w := range n.held.Waiting() {
		n.answer(w, city.Reply{Err: &city.Refusal{Reason: city.Unavailable, Message: "the city is starting"}})
	}
}

// fill gives a new incarnation what the store holds, before it answers anybody.
func (n *node) fill(core *city.Core) {
	messages, err := durable.Messages(n.disk.load())
	if err != nil {
		n.w.fail("what is stored can be read", "%v: %v", n, err)
	}
	for _, m := range messages {
		_, fx := core.Step(n.time(), n.rng, m)
		n.w.oracle.loaded(n, fx)
	}
}
