package supervise

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestChildrenStartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		s := serve(t, Config{Children: []Child{c.child("a"), c.child("b"), c.child("c")}, Observer: c.observer()})
		wantEvents(t, c, "started a", "started b", "started c")
		if err := s.stopped(); err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
		wantEvents(t, c, "stopped c: <nil>", "stopped b: <nil>", "stopped a: <nil>")
	})
}

func TestAChildStartsOnlyOnceTheOneBeforeItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		slow := c.child("slow")
		inner := slow.Start
		slow.Start = func(ctx context.Context) (func(context.Context) error, error) {
			time.Sleep(time.Minute)
			return inner(ctx)
		}
		s := serve(t, Config{Children: []Child{slow, c.child("next")}, Observer: c.observer()})
		time.Sleep(59 * time.Second)
		synctest.Wait()
		wantEvents(t, c)
		time.Sleep(time.Second)
		synctest.Wait()
		wantEvents(t, c, "started slow", "started next")
		if err := s.stopped(); err != nil {
			t.Error(err)
		}
	})
}

func TestEachChildHasEndedBeforeTheOneBeforeItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		child := func(name string) Child {
			return Child{Name: name, Start: func(context.Context) (func(context.Context) error, error) {
				return func(ctx context.Context) error {
					<-ctx.Done()
					c.note("told %s", name)
					time.Sleep(3 * time.Second)
					c.note("left %s", name)
					return nil
				}, nil
			}}
		}
		s := serve(t, Config{Children: []Child{child("a"), child("b")}})
		if err := s.stopped(); err != nil {
			t.Error(err)
		}
		wantEvents(t, c, "told b", "left b", "told a", "left a")
	})
}

func TestAChildKeepsItsPlaceInTheOrderWhenItIsRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		s := serve(t, Config{Children: []Child{c.child("a"), c.child("b")}, Observer: c.observer()})
		c.crash("a")
		c.take()
		if err := s.stopped(); err != nil {
			t.Error(err)
		}
		wantEvents(t, c, "stopped b: <nil>", "stopped a: <nil>")
	})
}

func TestAFirstStartThatFailsEndsTheWhole(t *testing.T) {
	for name, start := range map[string]func() error{
		"an error": func() error { return errBoom },
		"a panic":  func() error { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrew()
				bad := Child{Name: "bad", Start: func(context.Context) (func(context.Context) error, error) { return nil, start() }}
				s := serve(t, Config{Children: []Child{c.child("a"), c.child("b"), bad, c.child("z")}, Observer: c.observer()})
				<-s.done
				se, ok := errors.AsType[*StartError](s.err)
				if !ok || se.Child != "bad" || !errors.Is(se, errBoom) {
					t.Errorf("Serve = %v, want a StartError of child bad", s.err)
				}
				events := c.take()
				if want := []string{"gave up: *supervise.StartError", "stopped b: <nil>", "stopped a: <nil>"}; !reflect.DeepEqual(events[3:], want) {
					t.Errorf("observed %q after the crash, want %q", events[3:], want)
				}
				if n := s.Restarts("bad"); n != 0 {
					t.Errorf("it was restarted %d times", n)
				}
			})
		})
	}
}

// flaky is a child of which some starts fail: those for which fails is true of
// their number, counted from 0.
func (c *crew) flaky(name string, fails func(start int) bool) (Child, *int) {
	child, starts := c.child(name), new(int)
	inner := child.Start
	child.Start = func(ctx context.Context) (func(context.Context) error, error) {
		n := *starts
		*starts++
		if fails(n) {
			return nil, fmt.Errorf("start %d: %w", n, errBoom)
		}
		return inner(ctx)
	}
	return child, starts
}

func TestARestartThatFailsIsTriedAgainAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		child, _ := c.flaky("a", func(start int) bool { return start == 1 || start == 2 })
		s := serve(t, Config{Children: []Child{child}, Observer: c.observer()})
		c.crash("a") // three restarts: two that fail, and one that does not
		wantEvents(t, c, "started a", "crashed a: boom", "crashed a: start 1: boom", "crashed a: start 2: boom", "started a")
		if n := s.Restarts("a"); n != 3 || !s.running() {
			t.Errorf("Restarts = %d, running %v; want 3 and true", n, s.running())
		}
		c.crash("a") // the fourth is too many
		<-s.done
		if ie, ok := errors.AsType[*IntensityError](s.err); !ok || ie.Child != "a" || ie.Restarts != 3 {
			t.Errorf("Serve = %v, want an IntensityError of child a after 3 restarts", s.err)
		}
	})
}

func TestRestartsThatKeepFailingEndIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		child, starts := c.flaky("a", func(start int) bool { return start > 0 })
		s := serve(t, Config{Children: []Child{c.child("z"), child}, Observer: c.observer()})
		c.crash("a")
		<-s.done
		ie, ok := errors.AsType[*IntensityError](s.err)
		if !ok || ie.Child != "a" || !strings.Contains(ie.Error(), "start 3: boom") {
			t.Errorf("Serve = %v, want an IntensityError that wraps the last failure of child a", s.err)
		}
		if *starts != 4 {
			t.Errorf("%d starts, want 4", *starts)
		}
	})
}

func TestAContextThatEndsWhileAChildRestartsStopsIt(t *testing.T) {
	for name, patient := range map[string]bool{"a start that succeeds late": true, "a start that heeds its context": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrew()
				child := c.child("a")
				inner, starts, ran := child.Start, 0, 0
				child.Start = func(ctx context.Context) (func(context.Context) error, error) {
					if starts++; starts > 1 {
						<-ctx.Done()
						if !patient {
							return nil, ctx.Err()
						}
					}
					run, err := inner(ctx)
					return func(ctx context.Context) error { ran++; return run(ctx) }, err
				}
				s := serve(t, Config{Children: []Child{child}, Observer: c.observer()})
				c.crash("a")
				wantEvents(t, c, "started a", "crashed a: boom")
				if err := s.stopped(); err != nil {
					t.Errorf("Serve = %v, want nil", err)
				}
				if patient {
					wantEvents(t, c, "started a", "stopped a: <nil>")
				} else {
					wantEvents(t, c, "stopped a: <nil>")
				}
				if want := map[bool]int{true: 2, false: 1}[patient]; ran != want {
					t.Errorf("run was called %d times, want %d: once for each start that succeeded", ran, want)
				}
			})
		})
	}
}

func TestAContextThatEndsBeforeAllHaveStartedStartsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		slow := c.child("slow")
		slow.Start = func(ctx context.Context) (func(context.Context) error, error) {
			<-ctx.Done()
			return func(context.Context) error { return nil }, nil
		}
		s := serve(t, Config{Children: []Child{c.child("a"), slow, c.child("z")}, Observer: c.observer()})
		if err := s.stopped(); err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
		wantEvents(t, c, "started a", "started slow", "stopped slow: <nil>", "stopped a: <nil>")
	})
}

func TestAContextThatEndsWhileAnObserverIsToldStartsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		ctx, stop := context.WithCancel(t.Context())
		observer := c.observer()
		observer.Started = func(child string) { c.note("started %s", child); stop() }
		s, err := New(Config{Children: []Child{c.child("a"), c.child("b")}, Observer: observer})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(ctx); err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
		wantEvents(t, c, "started a", "stopped a: <nil>")
	})
}

func TestAContextThatIsDoneStartsNothing(t *testing.T) {
	c := newCrew()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s, err := New(Config{Children: []Child{c.child("a")}, Observer: c.observer()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ctx); err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	wantEvents(t, c)
}

func TestAnEndAtTheInstantOfTheStopIsNoCrash(t *testing.T) {
	c := newCrew()
	s, err := New(Config{Intensity: -1, Children: []Child{c.child("a")}, Observer: c.observer()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	l := newLoop(s)
	l.beginNext(ctx)
	if err := l.handle(ctx, <-l.reports); err != nil {
		t.Fatal(err)
	}
	c.ends["a"] <- func() error { return nil }
	end := <-l.reports // received just before
	stop()
	if err := l.handle(ctx, end); err != nil {
		t.Errorf("it was taken for a crash: %v", err)
	}
	wantEvents(t, c, "started a", "stopped a: <nil>")
}

func TestAChildThatDoesNotStopIsAbandonedAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		release := make(chan struct{})
		stuck := Child{Name: "stuck", StopTimeout: 7 * time.Second, Start: func(context.Context) (func(context.Context) error, error) {
			return func(context.Context) error { <-release; return nil }, nil
		}}
		s := serve(t, Config{Children: []Child{c.child("a"), stuck, c.child("z")}, Observer: c.observer()})
		c.take()
		began := time.Now()
		err := s.stopped()
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("it took %v, want 7s", took)
		}
		if se, ok := errors.AsType[*StopError](err); !ok || se.Child != "stuck" || !errors.Is(err, ErrStopTimeout) {
			t.Errorf("Serve = %v, want a StopError of child stuck", err)
		}
		wantEvents(t, c, "stopped z: <nil>", `stopped stuck: stuck did not stop in time (7s) and was abandoned`, "stopped a: <nil>")
		close(release) // its late end blocks nobody: the bubble would tell
	})
}

func TestChildrenThatHangShareOneDeadlineAndOthersAreStillStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, until := newCrew(), make(chan struct{})
		defer close(until)
		stuck := func(name string) Child {
			return Child{Name: name, StopTimeout: 3 * time.Second, Start: func(context.Context) (func(context.Context) error, error) {
				return func(context.Context) error { hangHere(until); return nil }, nil
			}}
		}
		asked := 0
		s := serve(t, Config{
			Children: []Child{c.child("a"), stuck("b"), stuck("c"), stuck("d"), c.child("e")},
			Observer: c.observer(),
			StopBy:   func() time.Time { asked++; return time.Now().Add(4 * time.Second) },
		})
		c.take()
		begin := time.Now()
		err := s.stopped()
		if took, want := time.Since(begin), 4*time.Second+StopLeast; took != want || asked != 1 {
			t.Errorf("stopped in %v, having asked %d times; want %v, once", took, asked, want)
		}
		wantEvents(t, c, "stopped e: <nil>",
			"stopped d: d did not stop in time (3s) and was abandoned",
			"stopped c: c did not stop in time (1s) and was abandoned",
			"stopped b: b did not stop in time (50ms) and was abandoned",
			"stopped a: <nil>")
		if se, ok := errors.AsType[*StopError](err); !ok || !strings.Contains(string(se.Stacks), "hangHere") {
			t.Errorf("Serve = %v, want the stack of a child that hangs", err)
		}
	})
}

func TestAnAbandonedChildThatEndsLateIsNotReportedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		late := func(name string, d time.Duration) Child {
			return Child{Name: name, Start: func(context.Context) (func(context.Context) error, error) {
				return func(ctx context.Context) error { <-ctx.Done(); time.Sleep(d); return nil }, nil
			}}
		}
		s := serve(t, Config{Children: []Child{late("a", 4*time.Second), late("b", 6*time.Second)}, Observer: c.observer()})
		c.take()
		if err := s.stopped(); !errors.Is(err, ErrStopTimeout) {
			t.Errorf("Serve = %v, want %v", err, ErrStopTimeout)
		}
		wantEvents(t, c, `stopped b: b did not stop in time (5s) and was abandoned`, "stopped a: <nil>")
	})
}

func TestGivingUpNamesTheCrashAndWhoWasAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		release := make(chan struct{})
		stuck := Child{Name: "stuck", Start: func(context.Context) (func(context.Context) error, error) {
			return func(context.Context) error { <-release; return nil }, nil
		}}
		s := serve(t, Config{Intensity: -1, Children: []Child{stuck, c.child("a")}})
		c.crash("a")
		<-s.done
		ie, ok := errors.AsType[*IntensityError](s.err)
		if !ok || ie.Child != "a" || ie.Restarts != 0 || !errors.Is(s.err, ErrStopTimeout) || !errors.Is(s.err, errBoom) {
			t.Errorf("Serve = %v, want the IntensityError of a and the StopError of stuck", s.err)
		}
		close(release)
	})
}

func TestAChildThatEndsWhileOthersAreStoppedIsNoCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		slow := Child{Name: "slow", Start: func(context.Context) (func(context.Context) error, error) {
			return func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return nil }, nil
		}}
		s := serve(t, Config{Children: []Child{c.child("a"), c.child("b"), slow}, Observer: c.observer()})
		c.take()
		s.stop()
		synctest.Wait()
		c.end("a", func() error { panic("on the way out") })
		<-s.done
		if s.err != nil || s.Restarts("a") != 0 {
			t.Errorf("Serve = %v, Restarts = %d; want nil and 0", s.err, s.Restarts("a"))
		}
		wantEvents(t, c, "stopped a: panic: on the way out", "stopped slow: <nil>", "stopped b: <nil>")
	})
}
