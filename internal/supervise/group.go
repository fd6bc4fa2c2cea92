package supervise

import (
	"context"
	"runtime/debug"
	"sync"
)

// A Group runs the goroutines of one child. A panic in any of them is a crash of
// that child alone, and all of them have ended when the child has. Make one with
// NewGroup.
type Group struct {
	stop  context.CancelFunc
	alive sync.WaitGroup
	first sync.Once
	err   error // set once, before stop is called
}

// NewGroup returns a group and the context of its goroutines. The context is done
// when ctx is, or once one of the goroutines has failed.
func NewGroup(ctx context.Context) (*Group, context.Context) {
	ctx, stop := context.WithCancel(ctx)
	return &Group{stop: stop}, ctx
}

// Go runs f in a goroutine of the group. The group's context is done once f has
// returned an error or panicked.
func (g *Group) Go(f func() error) {
	g.alive.Go(func() {
		err := errGoexit // stands if f neither returns nor panics
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
			if err != nil {
				g.fail(err)
			}
		}()
		err = f()
	})
}

// Wait waits until all goroutines have ended and returns the first error or panic,
// or nil. It must be called once, after the last Go.
func (g *Group) Wait() error {
	g.alive.Wait()
	g.stop()
	return g.err
}

func (g *Group) fail(err error) {
	g.first.Do(func() {
		g.err = err
		g.stop()
	})
}

// UnlessDone returns err, or nil once ctx is done: what fails then is the end of a
// goroutine that was told to end, and no crash.
func UnlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
