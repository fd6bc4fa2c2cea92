package city

import "errors"

// Journal makes what an incarnation does durable. Its methods return at once,
// whatever the disk does.
type Journal interface {
	// Append takes the effects of a message, in the order of the messages, and
	// returns their number, which rises.
	Append(fx Effects) uint64
	// Written returns how far the journal has come.
	Written() Written
	// News has a token when Written may return something else than before.
	News() <-chan struct{}
}

// Written is how far a journal has come.
type Written struct {
	// Durable is the number up to which everything is durable.
	Durable uint64
	// Tried is the number after which nothing was given to the disk. What lies
	// between the two may be found there after a crash, or may not.
	Tried uint64
	// Fault is why nothing more becomes durable, or nil. The journal writes
	// [Core.PageToStore] page by page before it ends a fault, so that then all is
	// durable up to the last number. A fault that matches ErrBombed is never over: all
	// that the incarnation stored has been voided, and the incarnation ends.
	Fault error
}

// conclude tells a turn, or holds it back until it is durable.
func (i *Incarnation) conclude(to chan Reply, reply *Reply, fx *Effects) {
	if i.journal == nil {
		i.tell(to, reply, fx)
		return
	}
	i.held.Add(i.journal, Turn[chan Reply]{Waits: to, Reply: *reply, Effects: *fx})
}

// tell answers who waits for a turn before the observers hear of the turn.
func (i *Incarnation) tell(to chan Reply, reply *Reply, fx *Effects) {
	if to != nil {
		to <- *reply
	}
	i.observe(fx)
}

// loopOutlet is the Outlet of an incarnation's loop.
type loopOutlet struct{ of *Incarnation }

func (o loopOutlet) Tell(t *Turn[chan Reply]) { o.of.tell(t.Waits, &t.Reply, &t.Effects) }

func (o loopOutlet) Refuse(waits chan Reply, reply Reply) { waits <- reply }

// release tells the turns that have become durable. It reports whether the
// incarnation has to end because its store was voided.
func (i *Incarnation) release() (bombed bool) {
	written := i.journal.Written()
	if errors.Is(written.Fault, ErrBombed) {
		return true
	}
	i.age()
	i.held.Release(i.opts.Now(), i.opts.Rand, written)
	return false
}

// hear releases if the journal has news. It reports what release does.
func (i *Incarnation) hear() (bombed bool) {
	select {
	case <-i.news():
		return i.release()
	default:
		return false
	}
}

// news returns the journal's channel, or one that never has a token.
func (i *Incarnation) news() <-chan struct{} {
	if i.journal == nil {
		return nil
	}
	return i.journal.News()
}
