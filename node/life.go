package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/citynode/citynode/internal/supervise"
)

// Errors of a node's end.
var (
	// ErrGaveUp is matched by Run's error when parts of the node crashed more often
	// than the supervisor allows.
	ErrGaveUp = errors.New("the supervisor gave up")
	// ErrClosed is matched by the error of Run on a node that was closed or has been
	// run, and of calls and lookups once the node has ended.
	ErrClosed = errors.New("the node was closed, or has been run")
)

// life is where a node is between New and its end.
type life struct {
	ready     chan struct{} // closed once the node is ready
	readyOnce sync.Once
	ended     chan struct{} // closed once everything has ended

	mu    sync.Mutex              // guards begun, quit
	begun bool                    // Run or Close has been called
	quit  context.CancelCauseFunc // of Run; nil before

	err error // of Run or Close; set before ended is closed, and read after
}

// newLife returns the life of a node that has not been run.
func newLife() *life { return &life{ready: make(chan struct{}), ended: make(chan struct{})} }

// begin returns the context of Run, or fails if it is not the first to be called.
func (l *life) begin(ctx context.Context) (context.Context, context.CancelCauseFunc, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun {
		return nil, nil, ErrClosed
	}
	l.begun = true
	ctx, l.quit = context.WithCancelCause(ctx)
	return ctx, l.quit, nil
}

// stop ends Run if it runs, and keeps Run from beginning if it does not. It reports true to the first caller where Run was never
// called, who then has to end the node.
func (l *life) stop(cause error) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quit != nil {
		l.quit(cause)
	}
	first = !l.begun
	l.begun = true
	return first
}

// end notes that everything has ended.
func (l *life) end(err error) {
	l.err = err
	close(l.ended)
}

// open returns ErrClosed once everything has ended, else nil.
func (l *life) open() error {
	select {
	case <-l.ended:
		return ErrClosed
	default:
		return nil
	}
}

// Run runs the node until ctx is done or Close is called. Then it lets the orders
// that it has begun end, refuses new ones, and returns nil once it has said goodbye
// and everything has ended, which takes 10 s at most: what has not ended by then is
// abandoned, and named by an error that matches ErrHung. Before that Run returns a
// *NameTakenError if it did not start, since another live peer holds the city's name, a
// *TwinError if another process runs with the node's key and has for longer, or an error
// that matches ErrGaveUp. Run can be called once; after that, and after Close, it returns
// ErrClosed.
func (n *Node) Run(ctx context.Context) (err error) {
	ctx, quit, err := n.life.begin(ctx)
	if err != nil {
		return err
	}
	defer quit(nil)
	defer context.AfterFunc(ctx, func() { n.ending.begin() })()
	// The parts end later than ctx, once the orders that have begun are answered.
	drained, stop := n.draining.untilDrained(ctx)
	defer stop()
	served := n.supervisor.Serve(drained)
	// Last, since the lock of the folder tells the next node that nothing of this one is
	// left.
	released := n.release(errors.Is(served, supervise.ErrStopTimeout))
	err = errors.Join(whyEnded(ctx, served), released)
	if errors.Is(errors.Join(served, released), supervise.ErrStopTimeout) {
		err = fmt.Errorf("%w: %w", ErrHung, err)
	}
	n.life.end(err)
	return err
}

// whyEnded returns the error of Run for what the supervisor returned.
func whyEnded(ctx context.Context, served error) error {
	// A twin that goes on ends ctx with the error as its cause.
	if twin, ok := errors.AsType[*TwinError](context.Cause(ctx)); ok && served == nil {
		return twin
	}
	if taken, ok := errors.AsType[*NameTakenError](served); ok {
		return taken
	}
	if _, gaveUp := errors.AsType[*supervise.IntensityError](served); gaveUp {
		return fmt.Errorf("%w: %w", ErrGaveUp, served)
	}
	return served
}

// Close ends the node, and returns once everything has ended, after 10 s at most. It returns the error of
// giving things back where the node was not run, else nil: Run has returned its own.
// It may be called more than once.
func (n *Node) Close() error {
	if n.life.stop(nil) {
		err := n.release(false)
		if errors.Is(err, supervise.ErrStopTimeout) {
			err = fmt.Errorf("%w: %w", ErrHung, err)
		}
		n.life.end(err)
		return err
	}
	<-n.life.ended
	return nil
}

// Ready is closed once the name check has passed and the city knows what its
// neighbours know, or that it has none. It stays open where Run fails before: wait for
// Done as well, or use AwaitReady.
func (n *Node) Ready() <-chan struct{} { return n.life.ready }

// Done is closed once the node has ended, by Run or by Close.
func (n *Node) Done() <-chan struct{} { return n.life.ended }

// AwaitReady returns nil once the node is ready. It returns Run's error, or ErrClosed
// if Run returned none, once the node has ended before, or the error of ctx.
func (n *Node) AwaitReady(ctx context.Context) error {
	select {
	case <-n.life.ready:
		return nil
	case <-n.life.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	// Both may have happened before this looked, and a select takes either.
	select {
	case <-n.life.ready: // and has ended since
		return nil
	default:
		return cmp.Or(n.life.err, ErrClosed)
	}
}
