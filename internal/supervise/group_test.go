package supervise

import (
	"context"
	"errors"
	"testing"
)

func TestGroupEndsAllOnTheFirstFailure(t *testing.T) {
	boom := errors.New("boom")
	g, ctx := NewGroup(t.Context())
	g.Go(func() error { <-ctx.Done(); return ctx.Err() })
	g.Go(func() error { return boom })
	if err := g.Wait(); !errors.Is(err, boom) {
		t.Fatalf("got %v, want %v", err, boom)
	}
}

func TestGroupTurnsAPanicIntoItsFailure(t *testing.T) {
	g, ctx := NewGroup(t.Context())
	g.Go(func() error { <-ctx.Done(); return nil })
	g.Go(func() error { panic("boom") })
	err := g.Wait()
	if p, ok := errors.AsType[*PanicError](err); !ok || p.Value != "boom" {
		t.Fatalf("got %v, want a panic with boom", err)
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
