package dispatch

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/protocol"
)

// silenced answers nothing once it is silent.
type silenced struct{ silent atomic.Bool }

func (s *silenced) ServeCall(ctx context.Context, _ *protocol.Call) (any, error) {
	if s.silent.Load() {
		<-ctx.Done()
	}
	return nil, protocol.Errorf(protocol.Busy, "a sign of life, too")
}

func TestASourceThatFallsSilentIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handler silenced
		ctx, cancel := context.WithCancel(t.Context())
		s := source{peer: "gotham", open: func(context.Context) (*protocol.Client, error) {
			here, there := protocol.Pipe()
			server := &protocol.Server{City: "gotham", Handler: &handler}
			go func() { _ = server.Serve(ctx, there, "me") }()
			return protocol.NewClient(here), nil
		}}
		h := startHeartbeat(ctx, s)
		time.Sleep(time.Hour)
		select {
		case err := <-h.lost:
			t.Fatalf("a source that answers is given up: %v", err)
		default:
		}
		handler.silent.Store(true)
		began := time.Now()
		err := <-h.lost
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > heartbeatEvery+heartbeatTimeout {
			t.Errorf("%v after %v", err, took)
		}
		h.stop()
		cancel()
		synctest.Wait()
	})
}
