package city

import (
	"context"
	"time"

	"github.com/citynode/citynode/crdt"
)

// Incarnation is one life of a city, from a start to a crash or stop. What is
// begun on an incarnation cannot go on on the next: its methods then fail with
// a *Refusal as unavailable.
type Incarnation struct {
	name      string
	number    crdt.Stamp
	opts      Options
	observers []Observer
	patrol    time.Duration
	fight     time.Duration
	inbox     chan task
	done      chan struct{} // closed when the loop has ended
	begun     time.Time
	core      *Core  // owned by the loop
	batch     []task // room for the tasks of one runBatch
	watchers  map[*Watcher]struct{}
	journal   Journal               // nil: nothing is made durable
	held      *HoldBack[chan Reply] // nil without a journal
}

// task is one turn of the loop: a message, or a function to be run there.
type task struct {
	message Message
	run     func(*Incarnation)
	reply   chan Reply // capacity 1, so that the loop never waits
}

// newIncarnation returns an incarnation whose loop does not run and which is empty.
func newIncarnation(cfg Config, opts Options, observers []Observer, number crdt.Stamp) *Incarnation {
	i := &Incarnation{
		name:      cfg.Name,
		number:    number,
		opts:      opts,
		observers: observers,
		patrol:    cfg.PatrolEvery,
		fight:     cfg.FightEvery,
		batch:     make([]task, 0, batchMax),
		inbox:     make(chan task, inboxMax),
		done:      make(chan struct{}),
		begun:     time.Now(),
		core:      NewCore(cfg, number),
		watchers:  make(map[*Watcher]struct{}),
	}
	return i
}

// fill applies a message before the loop runs, when nobody else has the core.
func (i *Incarnation) fill(m Message) { i.step(m) }

// age tells the core how long it has run.
func (i *Incarnation) age() { i.core.Ran(time.Since(i.begun)) }

// step has the core take a message.
func (i *Incarnation) step(m Message) (Reply, Effects) {
	i.age()
	return i.core.Step(i.opts.Now(), i.opts.Rand, m)
}

// Number returns the stamp of this incarnation's start.
func (i *Incarnation) Number() crdt.Stamp { return i.number }

// Done is closed when the incarnation has ended.
func (i *Incarnation) Done() <-chan struct{} { return i.done }

// ended reports whether the loop has ended.
func (i *Incarnation) ended() bool {
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

// serve is the loop: the one goroutine that owns the core and the watchers.
// Its inputs are the inbox, the journal's news and the two tickers; it ends with
// ctx, a bomb, or a panic, which it leaves to the supervisor. An incarnation that
// was bombed while it was filled answers nobody.
func (i *Incarnation) serve(ctx context.Context) error {
	defer i.end()
	if i.journal != nil && i.release() {
		return ErrBombed
	}
	patrol, stopPatrol := every(i.patrol)
	defer stopPatrol()
	fight, stopFight := every(i.fight)
	defer stopFight()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-i.news():
			if bombed := i.release(); bombed {
				return ErrBombed
			}
		case <-patrol:
			i.tick(Patrol{})
		case <-fight:
			i.tick(Fight{})
		case t := <-i.inbox:
			if crash := i.runBatch(t); crash {
				return ErrBombed
			}
		}
	}
}

// observe tells the watchers and the observers what a turn did, in the order of the
// turns.
func (i *Incarnation) observe(fx *Effects) {
	if len(fx.Changes) > 0 {
		i.tellWatchers(fx.Changes)
	}
	if len(fx.Changes) == 0 && len(fx.Future) == 0 && fx.LeftOut == 0 && fx.Note == "" {
		return
	}
	for _, o := range i.observers {
		if o.Held != nil && len(fx.Changes) > 0 {
			o.Held(i.core.State().Summary())
		}
		if o.Stepped != nil {
			o.Stepped(fx)
		}
	}
}

// end tells all who wait that the incarnation is over.
func (i *Incarnation) end() {
	for w := range i.watchers {
		w.finish(errDown(i.name))
	}
	close(i.done)
}

// Do sends a message and waits for the reply. The error is a *Refusal, which
// is also the reply's, or that of ctx. If ctx ends first, whether the message
// was applied is not known.
func (i *Incarnation) Do(ctx context.Context, m Message) (Reply, error) {
	reply, err := i.submit(ctx, task{message: m, reply: make(chan Reply, 1)})
	if err != nil {
		return Reply{}, err
	}
	return reply, reply.Err
}

// Read runs f in the loop, between two messages. f must be short, since it
// holds up every writer: a millisecond at most. It must only read, and must
// keep nothing of the core.
func (i *Incarnation) Read(ctx context.Context, f func(*Core)) error {
	_, err := i.submit(ctx, task{
		run:   func(i *Incarnation) { f(i.core) },
		reply: make(chan Reply, 1),
	})
	return err
}

// submit gives the loop a task and waits for the reply. A task that the loop took when
// it ended is refused as unavailable: what came of it is not known.
func (i *Incarnation) submit(ctx context.Context, t task) (Reply, error) {
	select {
	case i.inbox <- t:
	case <-i.done:
		return Reply{}, errDown(i.name)
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
	select {
	case reply := <-t.reply:
		return reply, nil
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	case <-i.done:
	}
	select { // it may have been answered just before the end
	case reply := <-t.reply:
		return reply, nil
	default:
		return Reply{}, errDown(i.name)
	}
}

// every is a ticker's channel, or one that never fires where the interval is
// negative.
func every(interval time.Duration) (<-chan time.Time, func()) {
	if interval < 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(interval)
	return ticker.C, ticker.Stop
}
