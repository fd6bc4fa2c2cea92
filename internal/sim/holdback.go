package sim

import (
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/history"
)

// turn is one step of a core, of which nothing is told before it is durable.
type turn struct {
	number  uint64
	message city.Message
	reply   city.Reply
	fx      city.Effects
	to      func(city.Reply) // nil: nobody waits, or it has been answered
}

// journals tells whether effects must become durable.
func journals(fx *city.Effects) bool {
	_, answered := fx.Answered()
	return answered || len(fx.Changes) > 0
}

// conclude tells a turn once it is durable, and after the turns before it. Only
// what neighbours sent waits for nothing.
func (n *node) conclude(t turn) {
	if n.journal == nil {
		n.tell(t)
		return
	}
	if journals(&t.fx) {
		n.appended = n.journal.append(t.fx)
	}
	if len(n.pending) == 0 && !journals(&t.fx) || t.fx.Lazy() || n.w.cfg.sabotage == answerEarly {
		n.tell(t)
		return
	}
	t.number = n.appended
	n.pending = append(n.pending, t)
}

// tell answers who waits, and tells all others.
func (n *node) tell(t turn) {
	n.w.oracle.shown(n, t)
	if t.to != nil {
		t.to(t.reply)
	}
	n.gossip(t.fx)
}

// release concludes the turns that have become durable, and refuses those that
// do not.
func (n *node) release() {
	v, fault := n.journal.volume, n.journal.fault
	reason := ""
	switch {
	case v.voided:
		reason = "the city was bombed"
	case fault != nil:
		reason = fault.Error()
	}
	done := 0
	for done < len(n.pending) && n.pending[done].number <= v.durable {
		done++
	}
	durable := n.pending[:done]
	n.pending = n.pending[done:]
	for _, t := range durable {
		n.tell(t)
	}
	if reason != "" {
		n.refusePending(reason)
	}
	if reason != n.core.StoreFault() {
		n.core.Step(n.time(), n.rng, city.Fault{Reason: reason})
	}
}

// refusePending answers those who wait for what does not become durable.
func (n *node) refusePending(reason string) {
	for i := range n.pending {
		if t := &n.pending[i]; t.to != nil {
			t.to(city.Reply{Summary: t.reply.Summary, Err: &city.Refusal{Reason: city.Unavailable, Message: reason}})
			t.to = nil
		}
	}
}

// fill gives a new incarnation what the store holds, before it answers anybody.
func (n *node) fill(core *city.Core) {
	entries, answers := n.disk.load(n.time().Add(-answersLast), n.journal.flying)
	for _, r := range history.RecordsOf(entries) {
		_, fx := core.Step(n.time(), n.rng, city.Update{Entries: r.Entries(), Source: city.SourceStore})
		n.w.oracle.loaded(n, fx)
	}
	core.Step(n.time(), n.rng, city.Remember{Answers: answers})
}
