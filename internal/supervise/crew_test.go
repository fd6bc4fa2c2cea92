package supervise

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

// crew is a set of children that end when the test says so, and a record of
// what was observed of them.
type crew struct {
	mu     sync.Mutex // guards events
	events []string
	ends   map[string]chan func() error
}

func newCrew() *crew { return &crew{ends: map[string]chan func() error{}} }

func (c *crew) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, fmt.Sprintf(format, args...))
}

// take returns what was recorded since the last call.
func (c *crew) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.events
	c.events = nil
	return events
}

func (c *crew) observer() Observer {
	return Observer{
		Started: func(child string) { c.note("started %s", child) },
		Crashed: func(child string, err error, _ []byte) { c.note("crashed %s: %v", child, err) },
		GaveUp:  func(err error) { c.note("gave up: %T", err) },
		Stopped: func(child string, err error) { c.note("stopped %s: %v", child, err) },
	}
}

// child runs until it is stopped, or does what end is given.
func (c *crew) child(name string) Child {
	ends := make(chan func() error)
	c.ends[name] = ends
	return Child{Name: name, Start: func(context.Context) (func(context.Context) error, error) {
		return func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case end := <-ends:
				return end()
			}
		}, nil
	}}
}

// crash makes a child of the crew return errBoom, and waits until all that
// follows from it has happened.
func (c *crew) crash(name string) { c.end(name, func() error { return errBoom }) }

func (c *crew) end(name string, how func() error) {
	c.ends[name] <- how
	synctest.Wait()
}

// serving is a supervisor that runs beside the test.
type serving struct {
	*Supervisor
	stop context.CancelFunc
	done chan struct{} // closed when Serve has returned
	err  error         // of Serve, once done
}

// serve starts a supervisor and waits until its children are up.
func serve(t *testing.T, cfg Config) *serving {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &serving{Supervisor: s, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = s.Serve(ctx)
	}()
	synctest.Wait()
	return r
}

// running reports whether Serve has not returned.
func (r *serving) running() bool {
	synctest.Wait()
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// stopped stops the supervisor and returns the error of Serve.
func (r *serving) stopped() error {
	r.stop()
	<-r.done
	return r.err
}

func wantEvents(t *testing.T, c *crew, want ...string) {
	t.Helper()
	if got := c.take(); !reflect.DeepEqual(got, want) {
		t.Errorf("observed\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
