package supervise

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A loop is the state of one Serve. The goroutine that called Serve owns all of it.
// The goroutines of the children reach it only through reports.
type loop struct {
	s     *Supervisor
	limit intensity
	lives []life // by index of the child
	begun int    // children before this index were started for the first time

	// reports has room for the two reports of each child's life. A child has no
	// second life before both were received. So no report ever blocks, not even that
	// of an abandoned child when nobody receives any more.
	reports chan report
}

// A life is what the loop knows of a child's present incarnation.
type life struct {
	alive  bool // its goroutine has not reported its end, and is not abandoned
	proven bool // Start has succeeded once, in this life or in one before
	cancel context.CancelFunc
}

// A report is what the goroutine of a child tells the loop.
type report struct {
	child int // its index
	ended bool
	err   error // why it ended
}

const reportsPerLife = 2 // started, ended

func newLoop(s *Supervisor) *loop {
	return &loop{
		s:       s,
		limit:   s.limit,
		lives:   make([]life, len(s.children)),
		reports: make(chan report, reportsPerLife*len(s.children)),
	}
}

// supervise starts the children and restarts those that crash. It returns nil
// when ctx is done, and otherwise the reason to give up.
func (l *loop) supervise(ctx context.Context) error {
	l.beginNext(ctx)
	for !done(ctx) {
		select {
		case <-ctx.Done():
		case r := <-l.reports:
			if err := l.handle(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loop) handle(ctx context.Context, r report) error {
	switch {
	case !r.ended:
		l.started(ctx, r.child)
		return nil
	case done(ctx): // both happened at once: not a crash
		l.stopped(r)
		return nil
	default:
		return l.crashed(ctx, r)
	}
}

// started notes that a child is ready. After a first start it starts the next
// child.
func (l *loop) started(ctx context.Context, child int) {
	first := !l.lives[child].proven
	l.lives[child].proven = true
	l.s.observer.Started(l.s.children[child].Name)
	if first {
		l.beginNext(ctx)
	}
}

// crashed starts the child again, or returns why the supervisor gives up.
func (l *loop) crashed(ctx context.Context, r report) error {
	l.bury(r.child)
	name, err := l.s.children[r.child].Name, r.err
	if err == nil {
		err = errReturned
	}
	var stack []byte
	if p, ok := errors.AsType[*PanicError](err); ok {
		stack = p.Stack
	}
	l.s.observer.Crashed(name, err, stack)
	if !l.lives[r.child].proven {
		return &StartError{Child: name, Err: err}
	}
	if !l.limit.restart(time.Now()) {
		return &IntensityError{Child: name, Err: err, Restarts: l.limit.restartsMax, Period: l.limit.period}
	}
	l.s.restarts[name].Add(1)
	l.launch(ctx, r.child)
	return nil
}

// beginNext starts the next child for the first time, if there is one.
func (l *loop) beginNext(ctx context.Context) {
	if l.begun == len(l.s.children) || done(ctx) {
		return
	}
	l.begun++
	l.launch(ctx, l.begun-1)
}

// launch begins a life of the child in a goroutine of its own. Its ctx outlasts
// the given one, so that children can be stopped in order.
func (l *loop) launch(ctx context.Context, child int) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.lives[child].alive = true
	l.lives[child].cancel = cancel
	go l.s.children[child].live(ctx,
		func() { l.reports <- report{child: child} },
		func(err error) { l.reports <- report{child: child, ended: true, err: err} })
}

// bury notes that a life is over and releases its ctx.
func (l *loop) bury(child int) {
	l.lives[child].alive = false
	l.lives[child].cancel()
}

// stopAll stops the children that are alive, last first, and returns a
// *StopError for each that had to be abandoned.
func (l *loop) stopAll() (abandoned []error) {
	by := l.s.stopBy()
	for child := range slices.Backward(l.lives) {
		if err := l.stop(child, by); err != nil {
			abandoned = append(abandoned, err)
		}
	}
	return abandoned
}

// stop tells one child to stop and waits until it has, or its time is up.
func (l *loop) stop(child int, by time.Time) error {
	if !l.lives[child].alive {
		return nil
	}
	c := l.s.children[child]
	l.lives[child].cancel()
	limit := timeLeft(c.StopTimeout, by)
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for l.lives[child].alive {
		select {
		case r := <-l.reports:
			l.stopped(r)
		case <-deadline.C:
			l.bury(child)
			err := &StopError{Child: c.Name, Timeout: limit, Stacks: stacksOf(c.Name)}
			l.s.observer.Stopped(c.Name, err)
			return err
		}
	}
	return nil
}

// stopped notes a report that came while the supervisor was stopping, from the
// child whose turn it is or from another.
func (l *loop) stopped(r report) {
	name := l.s.children[r.child].Name
	switch {
	case !l.lives[r.child].alive: // the child was abandoned before
	case !r.ended:
		l.s.observer.Started(name)
	default:
		l.bury(r.child)
		if errors.Is(r.err, context.Canceled) {
			r.err = nil
		}
		l.s.observer.Stopped(name, r.err)
	}
}

func done(ctx context.Context) bool { return ctx.Err() != nil }
