package city

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// WaitingMax bounds the turns that wait for the disk, about 700 bytes each. Callers that
// wait for their answers have far fewer; a caller that gives up and asks anew while the
// disk hangs could have any number.
const WaitingMax = 16 << 10

// A HoldBack keeps back the replies of turns, and what they wrote, until that is
// durable. Then the writes enter the state, in the order of the turns, and each turn is
// told. What a message sees of an earlier one must be durable too before it is answered,
// so a turn that changed nothing waits behind those that did. W is whatever stands for
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
	// Tell answers the one who waits for a turn, if there is one, and shows its
	// effects to all who watch.
	Tell(t *Turn[W])
	// Refuse answers one whose turn could not be stored.
	Refuse(waits W, reply Reply)
}

type heldTurn[W comparable] struct {
	number  uint64
	turn    Turn[W]
	brought bool // it brought entries, which are in the state
}

// NewHoldBack returns a HoldBack for the turns of a core, which must have made no own
// write yet. From now on the core's own writes wait to be released.
func NewHoldBack[W comparable](core *Core, to Outlet[W]) *HoldBack[W] {
	core.overlay = newOverlay()
	return &HoldBack[W]{core: core, to: to}
}

// Add appends the effects of a turn to the journal. What neighbours and callers brought
// is told at once, for it is in the state. The turn itself is told at once if nobody
// waits for it and nothing of it, if it changed nothing while no other is held, if it
// changed nothing while the store does not work, since such a turn is a refusal, or if it
// was about no hero: a node that opens its city must not be refused for the disk.
func (h *HoldBack[W]) Add(j interface{ Append(fx Effects) uint64 }, t Turn[W]) {
	journaled := journals(&t.Effects)
	if journaled {
		h.appended = j.Append(t.Effects)
	}
	follows := len(h.held) > 0 && h.core.StoreFault() == "" && !t.Effects.atOnce
	if t.Effects.Crash || t.Effects.Lazy() || !journaled && !follows {
		h.pass(t)
		return
	}
	if len(t.Effects.Changes) > 0 || len(t.Effects.Future) > 0 {
		h.pass(Turn[W]{Effects: t.Effects.brought()})
	}
	held := heldTurn[W]{number: h.appended, turn: t, brought: t.Effects.Brought > 0}
	held.turn.Effects = Effects{
		Pending: t.Effects.Pending, Note: t.Effects.Note,
		answered: t.Effects.answered, repeated: t.Effects.repeated,
	}
	h.held = append(h.held, held)
	h.core.waiting = len(h.held)
}

// pass tells a turn at once.
func (h *HoldBack[W]) pass(t Turn[W]) {
	h.passing = t
	h.to.Tell(&h.passing)
	h.passing = Turn[W]{}
}

// Release has the own writes that have become durable enter the state, and tells their
// turns. While the store has a fault it refuses those who wait, and has the core refuse
// own writes. What the journal has given to the disk may be there: it is told once the
// store works again and has it. The rest did not happen.
func (h *HoldBack[W]) Release(now time.Time, rng *rand.Rand, w Written) {
	done := 0
	for done < len(h.held) && h.held[done].number <= w.Durable {
		t := &h.held[done].turn
		h.core.enter(&t.Effects)
		h.to.Tell(t)
		done++
	}
	h.keep(h.held[done:])
	reason := ""
	if w.Fault != nil {
		reason = w.Fault.Error()
		h.refuse(reason, w.Tried)
	}
	if reason != h.core.StoreFault() {
		h.core.Step(now, rng, Fault{Reason: reason})
	}
}

// keep forgets all turns but some of the last or the first.
func (h *HoldBack[W]) keep(some []heldTurn[W]) {
	n := copy(h.held, some)
	clear(h.held[n:])
	h.held = h.held[:n]
	h.core.waiting = n
}

// What one is told whose turn could not be stored.
const (
	refusalInDoubt = "city %s could not store it yet, and may do it once its store works again: %s"
	refusalDropped = "city %s could not store it, and has not done it: %s"
	refusalNeither = "city %s cannot store anything now: %s" // of a turn that did nothing itself
)

// refuse answers all who wait, and drops the turns after the last that the disk was
// given.
func (h *HoldBack[W]) refuse(reason string, tried uint64) {
	inDoubt := 0
	for inDoubt < len(h.held) && h.held[inDoubt].number <= tried {
		inDoubt++
	}
	told := make(map[*answer]string) // of each request, for those that came again
	for i := range h.held {
		h.refuseOne(&h.held[i].turn, h.held[i].refusal(i < inDoubt, told), reason)
	}
	if inDoubt == len(h.held) {
		return
	}
	h.core.withdraw(effectsOf(h.held[:inDoubt]), effectsOf(h.held[inDoubt:]))
	h.keep(h.held[:inDoubt])
}

// refusal returns what is told of a turn. A request that came again is told what it was
// told at first: its own turn did nothing. What a caller brought is in the state, and is
// stored with all of it.
func (t *heldTurn[W]) refusal(inDoubt bool, told map[*answer]string) string {
	fx := &t.turn.Effects
	switch {
	case fx.repeated != nil:
		return cmp.Or(told[fx.repeated], refusalNeither)
	case t.turn.Reply.Err != nil || len(fx.Pending) == 0 && !t.brought:
		return refusalNeither
	case len(fx.Pending) > 0 && !inDoubt:
		told[fx.answered] = refusalDropped
		return refusalDropped
	default:
		told[fx.answered] = refusalInDoubt
		return refusalInDoubt
	}
}

func (h *HoldBack[W]) refuseOne(t *Turn[W], format, reason string) {
	var nobody W
	if t.Waits == nobody {
		return
	}
	h.to.Refuse(t.Waits, Reply{Summary: h.core.State().Summary(), Err: refuse(Unavailable, format, h.core.cfg.Name, reason)})
	t.Waits = nobody
}

func effectsOf[W comparable](held []heldTurn[W]) []*Effects {
	all := make([]*Effects, len(held))
	for i := range held {
		all[i] = &held[i].turn.Effects
	}
	return all
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
	return fx.answered != nil || len(fx.Pending) > 0 || len(fx.Changes) > 0 && fx.Source != SourceStore
}

// Lazy reports whether the effects are only what neighbours sent. They can send
// it again, so nobody waits until it is durable.
func (fx *Effects) Lazy() bool {
	return fx.answered == nil && len(fx.Pending) == 0 && (fx.Source == SourceGossip || fx.Source == SourceSync)
}

// brought returns the part of the effects that is in the state.
func (fx *Effects) brought() Effects {
	return Effects{Changes: fx.Changes, Brought: fx.Brought, Source: fx.Source, Future: fx.Future}
}
