package supervise

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

func TestAnyEndBeforeTheStopIsACrash(t *testing.T) {
	for name, end := range map[string]struct {
		how  func() error
		want string
	}{
		"an error":    {func() error { return errBoom }, "boom"},
		"nil":         {func() error { return nil }, errReturned.Error()},
		"a panic":     {func() error { panic("at the disco") }, "panic: at the disco"},
		"panic(nil)":  {func() error { panic(nil) }, "panic: panic called with nil argument"},
		"Goexit":      {func() error { runtime.Goexit(); return nil }, errGoexit.Error()},
		"a false end": {func() error { return context.Canceled }, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrew()
				s := serve(t, Config{Children: []Child{c.child("a")}, Observer: c.observer()})
				c.end("a", end.how)
				wantEvents(t, c, "started a", "crashed a: "+end.want, "started a")
				if n := s.Restarts("a"); n != 1 {
					t.Errorf("Restarts = %d, want 1", n)
				}
				if err := s.stopped(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAPanicIsReportedWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		var stack []byte
		s := serve(t, Config{Intensity: -1, Children: []Child{c.child("a")}, Observer: Observer{
			Crashed: func(_ string, _ error, s []byte) { stack = s },
		}})
		c.end("a", func() error { return explode() })
		<-s.done
		if !strings.Contains(string(stack), "explode") {
			t.Errorf("the stack does not name the function that panicked:\n%s", stack)
		}
		p, ok := errors.AsType[*PanicError](s.err)
		if !ok || string(p.Stack) != string(stack) || !errors.Is(s.err, errBoom) {
			t.Errorf("Serve = %v, want a PanicError with that stack that wraps what was thrown", s.err)
		}
	})
}

func explode() error { panic(errBoom) }

func TestAStartWithNothingToRunFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{Children: []Child{{Name: "a", Start: func(context.Context) (func(context.Context) error, error) { return nil, nil }}}})
		<-s.done
		if !errors.Is(s.err, errNothingToRun) {
			t.Errorf("Serve = %v, want %v", s.err, errNothingToRun)
		}
	})
}

func TestTheContextOfALifeEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var lives []context.Context
		crash := make(chan struct{})
		child := Child{Name: "a", Start: func(start context.Context) (func(context.Context) error, error) {
			lives = append(lives, start)
			return func(ctx context.Context) error {
				if ctx != start {
					t.Error("Start and run were given different contexts")
				}
				select {
				case <-ctx.Done():
				case <-crash:
				}
				return nil
			}, nil
		}}
		sup, err := New(Config{Children: []Child{child}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		done := make(chan error)
		go func() { done <- sup.Serve(ctx) }()
		crash <- struct{}{}
		synctest.Wait()
		if len(lives) != 2 || lives[0].Err() == nil || lives[1].Err() != nil {
			t.Errorf("%d lives; want 2, of which only the first has a context that is done", len(lives))
		}
		if lives[0].Value(key{}) != "kept" {
			t.Error("the values of the context given to Serve do not reach the child")
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
