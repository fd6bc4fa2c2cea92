package supervise

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// What the zero values of Config and Child mean.
const (
	DefaultIntensity   = 3
	DefaultPeriod      = 5 * time.Second
	DefaultStopTimeout = 5 * time.Second
)

// Child says how one supervised part is started and stopped.
type Child struct {
	// Name distinguishes the child from the others of its supervisor. It must not be
	// empty.
	Name string

	// Start makes one incarnation of the child, at first and again after each crash,
	// and returns the function that runs it. Start should return as soon as the
	// child is ready. Start and run are called in one goroutine of their own with
	// the same ctx, which is done when the child has to stop. If Start succeeds, run
	// is always called, even if ctx is done by then, so that run can release what
	// Start has acquired.
	//
	// If run returns while ctx is not done, the child has crashed, whatever run
	// returns.
	Start func(ctx context.Context) (run func(ctx context.Context) error, err error)

	// StopTimeout is how long the child may take to end once its ctx is done. After
	// that it is abandoned. 0 means DefaultStopTimeout. Config.StopBy may leave it less.
	StopTimeout time.Duration
}

// Config says which children a supervisor runs, and when it gives up.
type Config struct {
	// Intensity is how many restarts there may be within one Period, over all
	// children. 0 means DefaultIntensity. A negative number means none: after the
	// first crash the supervisor gives up.
	Intensity int

	// Period is how long a restart counts. 0 means DefaultPeriod.
	Period time.Duration

	// Children are started in this order and stopped in the reverse of it.
	Children []Child

	// StopBy returns when all children have to have ended. It is asked once, when the
	// supervisor begins to stop them. A child whose StopTimeout would end later has only
	// until then, but StopLeast in any case. nil: each has its StopTimeout.
	StopBy func() time.Time

	// Observer is told what happens.
	Observer Observer
}

// Validate returns an error that names the first field with an impossible value.
func (c Config) Validate() error {
	if c.Period < 0 {
		return fmt.Errorf("supervise: Period: %v is negative", c.Period)
	}
	seen := make(map[string]bool, len(c.Children))
	for i, child := range c.Children {
		switch {
		case child.Name == "":
			return fmt.Errorf("supervise: Children[%d].Name: empty", i)
		case seen[child.Name]:
			return fmt.Errorf("supervise: Children[%d].Name: %q is taken", i, child.Name)
		case child.Start == nil:
			return fmt.Errorf("supervise: Children[%d].Start: nil (child %q)", i, child.Name)
		case child.StopTimeout < 0:
			return fmt.Errorf("supervise: Children[%d].StopTimeout: %v is negative (child %q)", i, child.StopTimeout, child.Name)
		}
		seen[child.Name] = true
	}
	return nil
}

// An Observer is told what happens. The goroutine that runs Serve calls its
// functions one at a time, in order, and supervises nothing meanwhile. They must
// not panic. Any of them may be nil.
type Observer struct {
	// Started is called when a child's Start has succeeded, at first or again.
	Started func(child string)

	// Crashed is called when a child has ended, or failed to start, without having
	// been told to stop. stack is that of the goroutine that panicked, or nil if
	// none did. A restart or GaveUp follows.
	Crashed func(child string, err error, stack []byte)

	// GaveUp is called when the supervisor stops everything because of err, an
	// *IntensityError or a *StartError.
	GaveUp func(err error)

	// Stopped is called when a child has ended while the supervisor was stopping.
	// err is nil if the child ended as it should, a *StopError if it was abandoned
	// while it was running, and otherwise the child's error.
	Stopped func(child string, err error)
}

// A Supervisor runs a fixed set of children. Make one with New.
type Supervisor struct {
	children []Child
	observer Observer
	limit    intensity
	stopBy   func() time.Time

	served   atomic.Bool
	restarts map[string]*atomic.Int64 // by child; the map itself never changes
}

// New returns a supervisor, or the error of [Config.Validate]. The children start
// when Serve is called.
func New(cfg Config) (*Supervisor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Supervisor{
		observer: cfg.Observer.withoutNil(),
		limit:    intensity{restartsMax: max(cfg.Intensity, 0), period: cfg.Period},
		stopBy:   cfg.StopBy,
		restarts: make(map[string]*atomic.Int64, len(cfg.Children)),
	}
	if s.stopBy == nil {
		s.stopBy = func() time.Time { return time.Time{} }
	}
	if cfg.Intensity == 0 {
		s.limit.restartsMax = DefaultIntensity
	}
	if cfg.Period == 0 {
		s.limit.period = DefaultPeriod
	}
	for _, child := range cfg.Children {
		if child.StopTimeout == 0 {
			child.StopTimeout = DefaultStopTimeout
		}
		s.children = append(s.children, child)
		s.restarts[child.Name] = new(atomic.Int64)
	}
	return s, nil
}

// Serve starts the children and keeps them running until ctx is done or the
// supervisor gives up. Then it stops them, last first, each with its own
// StopTimeout, all of them by StopBy, and returns:
//   - nil, if ctx was done,
//   - an *IntensityError, if children crashed too often,
//   - a *StartError, if the first start of a child failed,
//
// joined with a *StopError for each child that had to be abandoned. The ctx of a
// child carries the values of this ctx, but is done only when it is the child's
// turn to stop. A second call of Serve returns ErrServed.
func (s *Supervisor) Serve(ctx context.Context) error {
	if s.served.Swap(true) {
		return ErrServed
	}
	l := newLoop(s)
	cause := l.supervise(ctx)
	if cause != nil {
		s.observer.GaveUp(cause)
	}
	if abandoned := l.stopAll(); len(abandoned) > 0 {
		return errors.Join(append([]error{cause}, abandoned...)...)
	}
	return cause
}

// Restarts returns how often child was started again since Serve began, failed
// starts included. It returns 0 if there is no such child. It may be called at any
// time from any goroutine.
func (s *Supervisor) Restarts(child string) int {
	if n := s.restarts[child]; n != nil {
		return int(n.Load())
	}
	return 0
}

// withoutNil returns o with a function in every field.
func (o Observer) withoutNil() Observer {
	if o.Started == nil {
		o.Started = func(string) {}
	}
	if o.Crashed == nil {
		o.Crashed = func(string, error, []byte) {}
	}
	if o.GaveUp == nil {
		o.GaveUp = func(error) {}
	}
	if o.Stopped == nil {
		o.Stopped = func(string, error) {}
	}
	return o
}
