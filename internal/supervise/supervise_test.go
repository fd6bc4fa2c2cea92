package supervise

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestServeRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{})
		if !s.running() {
			t.Error("a supervisor without children does not wait for its context")
		}
		if err := s.stopped(); err != nil {
			t.Error(err)
		}
		if err := s.Serve(t.Context()); !errors.Is(err, ErrServed) {
			t.Errorf("the second Serve = %v, want ErrServed", err)
		}
	})
}

func TestRestartsCanBeReadFromAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		s := serve(t, Config{Intensity: 100, Children: []Child{c.child("a"), c.child("b")}})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for s.Restarts("a") < 20 {
					time.Sleep(time.Millisecond)
				}
			})
		}
		for range 20 {
			c.crash("a")
		}
		readers.Wait()
		if s.Restarts("b") != 0 || s.Restarts("nobody") != 0 {
			t.Error("others were counted as restarted")
		}
		if err := s.stopped(); err != nil {
			t.Error(err)
		}
	})
}

func TestAConfigThatCannotWorkIsRefusedByField(t *testing.T) {
	start := func(context.Context) (func(context.Context) error, error) { return nil, nil }
	for field, cfg := range map[string]Config{
		"Period":                  {Period: -1},
		"Children[1].Name":        {Children: []Child{{Name: "a", Start: start}, {Start: start}}},
		"Children[1].Name: \"a\"": {Children: []Child{{Name: "a", Start: start}, {Name: "a", Start: start}}},
		"Children[0].Start":       {Children: []Child{{Name: "a"}}},
		"Children[0].StopTimeout": {Children: []Child{{Name: "a", Start: start, StopTimeout: -1}}},
	} {
		if s, err := New(cfg); s != nil || err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("New = %v, %v; want an error that names %s", s, err, field)
		}
	}
}
