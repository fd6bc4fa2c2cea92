package city

import (
	"math/rand/v2"
	"time"
)

// HoldBack keeps back the replies and effects of turns until what the turns
// changed is durable, and releases them in the order of the turns: what a
// message sees of an earlier one must be durable too. W is whatever stands for
// the one who waits for a reply; its zero value stands for nobody.
//
// A HoldBack belongs to the owner of its core and is not safe for concurrent use.
type HoldBack[W comparable] struct {
	core     *Core
	to       Outlet[W]
	held     []heldTurn[W] // oldest first
	appended uint64        // the number of the last effects that were appended
	passing  Turn[W]       // room for a turn that is told at once
}

// Turn is one step of a core.
type Turn[W comparable] struct {
	Waits   W // the one who waits for the reply; zero: nobody, or already answered
	Reply   Reply
	Effects Effects
}

// Outlet takes what a HoldBack lets out. Neither method may keep the turn or call
// the HoldBack.
type Outlet[W comparable] interface {
	// Tell answers the one who waits for a turn and shows its effects to all who
	// watch.
	Tell(t *Turn[W])
	// Refuse answers one whose turn may never become durable. The turn itself is
	// told later, with nobody waiting, if the store recovers.
	Refuse(waits W, reply Reply)
}

type heldTurn[W comparable] struct {
	number uint64
	turn   Turn[W]
}

// NewHoldBack returns a HoldBack for the turns of a core.
func NewHoldBack[W comparable](core *Core, to Outlet[W]) *HoldBack[W] {
	return &HoldBack[W]{core: core, to: to}
}

// Add appends the effects of a turn to the journal and tells the turn at once or
// keeps it back. Three kinds of turns do not wait: what neighbours sent, so that
// no more turns are held than there are callers and ticks; a turn that changed
// nothing while no other is held; and any that changed nothing while the store
// does not work, since such a turn is a refusal.
func (h *HoldBack[W]) Add(j interface{ Append(fx Effects) uint64 }, t Turn[W]) {
	journaled := journals(&t.Effects)
	if journaled {
		h.appended = j.Append(t.Effects)
	}
	follows := len(h.held) > 0 && h.core.StoreFault() == ""
	if t.Effects.Crash || t.Effects.Lazy() || !journaled && !follows {
		h.passing = t
		h.to.Tell(&h.passing)
		h.passing = Turn[W]{}
		return
	}
	h.held = append(h.held, heldTurn[W]{number: h.appended, turn: t})
}

// Release tells the turns that have become durable. While the store has a fault
// it refuses those who wait, and has the core refuse own writes.
func (h *HoldBack[W]) Release(now time.Time, rng *rand.Rand, durable uint64, fault error) {
	done := 0
	for done < len(h.held) && h.held[done].number <= durable {
		h.to.Tell(&h.held[done].turn)
		done++
	}
	rest := copy(h.held, h.held[done:])
	clear(h.held[rest:])
	h.held = h.held[:rest]
	reason := ""
	if fault != nil {
		reason = fault.Error()
		h.refuse(reason)
	}
	if reason != h.core.StoreFault() {
		h.core.Step(now, rng, Fault{Reason: reason})
	}
}

func (h *HoldBack[W]) refuse(reason string) {
	var nobody W
	for i := range h.held {
		t := &h.held[i].turn
		if t.Waits == nobody {
			continue
		}
		refusal := refuse(Unavailable, "city %s could not store it: %s", h.core.cfg.Name, reason)
		h.to.Refuse(t.Waits, Reply{Summary: t.Reply.Summary, Err: refusal})
		t.Waits = nobody
	}
}

// Waiting returns those who wait for turns that are held, the longest first.
func (h *HoldBack[W]) Waiting() []W {
	var nobody W
	var all []W
	for i := range h.held {
		if w := h.held[i].turn.Waits; w != nobody {
			all = append(all, w)
		}
	}
	return all
}

// journals reports whether a message's effects must become durable. What comes
// from the store is there already.
func journals(fx *Effects) bool {
	return fx.answered != nil || len(fx.Changes) > 0 && (fx.Source != SourceStore || fx.Brought < len(fx.Changes))
}

// Lazy reports whether the effects are only what neighbours sent. They can send
// it again, so nobody waits until it is durable.
func (fx *Effects) Lazy() bool {
	return fx.answered == nil && fx.Brought == len(fx.Changes) && (fx.Source == SourceGossip || fx.Source == SourceSync)
}
