package supervise

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// waitFor waits for a group whose members end promptly, or fails the test.
func waitFor(t *testing.T, g *Group) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- g.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the group goes on after the first failure")
		return nil
	}
}

func TestGroupEndsAllOnTheFirstFailure(t *testing.T) {
	boom := errors.New("boom")
	g, ctx := NewGroup(t.Context())
	g.Go(func() error { <-ctx.Done(); return ctx.Err() })
	g.Go(func() error { return boom })
	if err := waitFor(t, g); !errors.Is(err, boom) {
		t.Fatalf("got %v, want %v", err, boom)
	}
}

func TestGroupTurnsAPanicIntoItsFailure(t *testing.T) {
	g, ctx := NewGroup(t.Context())
	g.Go(func() error { <-ctx.Done(); return nil })
	g.Go(func() error { panic("boom") })
	err := waitFor(t, g)
	if p, ok := errors.AsType[*PanicError](err); !ok || p.Value != "boom" {
		t.Fatalf("got %v, want a panic with boom", err)
	}
}

func TestGroupTurnsAnEndWithoutAReturnIntoItsFailure(t *testing.T) {
	g, ctx := NewGroup(t.Context())
	g.Go(func() error { <-ctx.Done(); return nil })
	g.Go(func() error { runtime.Goexit(); return nil })
	if err := waitFor(t, g); !errors.Is(err, errGoexit) {
		t.Fatalf("got %v, want %v", err, errGoexit)
	}
}

func TestGroupWithoutFailureReturnsNil(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g, ctx := NewGroup(ctx)
	g.Go(func() error { <-ctx.Done(); return nil })
	cancel()
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}
