package city

// Journal makes what an incarnation does durable. Its methods return at once,
// whatever the disk does.
type Journal interface {
	// Append takes the effects of a message, in the order of the messages, and
	// returns their number, which rises.
	Append(fx Effects) uint64
	// Durable returns up to which number all is durable, and why nothing more
	// becomes so, or nil. Once that is over, what was appended meanwhile is.
	Durable() (number uint64, fault error)
	// News has a token when Durable may return something else than before.
	News() <-chan struct{}
}

// pendingTurn is a turn whose changes are not durable yet: what is to be told of
// them waits.
type pendingTurn struct {
	number uint64
	to     chan Reply // nil: nobody waits, or it has been answered
	reply  Reply
	fx     Effects
}

// journals tells whether a message's effects must become durable. What comes from
// the store is there already.
func journals(fx *Effects) bool {
	return fx.answered != nil || len(fx.Changes) > 0 && (fx.Source != SourceStore || fx.Brought < len(fx.Changes))
}

// Lazy tells whether the effects are all of what neighbours sent, and can send
// again: nobody waits until they are durable.
func (fx *Effects) Lazy() bool {
	return fx.answered == nil && fx.Brought == len(fx.Changes) && (fx.Source == SourceGossip || fx.Source == SourceSync)
}

// conclude tells the reply and the effects of a turn, once they are durable, and
// after those of the turns before it: what a message sees of an earlier one must
// be so too. What neighbours sent waits for nothing, so that no more turns are
// pending than there are callers and ticks; nor do refusals while the store does
// not work.
func (i *Incarnation) conclude(to chan Reply, reply *Reply, fx *Effects) {
	if i.journal == nil || fx.Crash {
		i.tell(to, reply, fx)
		return
	}
	if journals(fx) {
		i.appended = i.journal.Append(*fx)
	}
	waits := len(i.pending) > 0 && i.core.StoreFault() == ""
	if !waits && !journals(fx) || fx.Lazy() {
		i.tell(to, reply, fx)
		return
	}
	i.pending = append(i.pending, pendingTurn{number: i.appended, to: to, reply: *reply, fx: *fx})
}

// tell answers who waits for a turn, who need not wait for the observers.
func (i *Incarnation) tell(to chan Reply, reply *Reply, fx *Effects) {
	if to != nil {
		to <- *reply
	}
	i.observe(fx)
}

// release concludes the turns that have become durable. While the store does not
// work those who wait are told so; observers hear of it when it works again.
func (i *Incarnation) release() {
	durable, fault := i.journal.Durable()
	done := 0
	for done < len(i.pending) && i.pending[done].number <= durable {
		t := &i.pending[done]
		i.tell(t.to, &t.reply, &t.fx)
		done++
	}
	i.pending = append(i.pending[:0], i.pending[done:]...)
	reason := ""
	if fault != nil {
		reason = fault.Error()
		i.refusePending(reason)
	}
	if reason != i.core.StoreFault() {
		i.core.Step(i.opts.Now(), i.opts.Rand, Fault{Reason: reason})
	}
}

// refusePending answers those who wait for what does not become durable.
func (i *Incarnation) refusePending(reason string) {
	for at := range i.pending {
		if t := &i.pending[at]; t.to != nil {
			t.to <- Reply{Summary: t.reply.Summary, Err: refuse(Unavailable, "city %s could not store it: %s", i.name, reason)}
			t.to = nil
		}
	}
}

// news is the journal's, or a channel that has none.
func (i *Incarnation) news() <-chan struct{} {
	if i.journal == nil {
		return nil
	}
	return i.journal.News()
}
