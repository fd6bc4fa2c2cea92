package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/citynode/citynode/protocol"
)

const (
	// heartbeatEvery is how often a source that tells is asked for a sign of life, and
	// heartbeatTimeout how long it may take to give it: more than a lost packet or two
	// cost at the other end of the world. Over QUIC nothing says for 30 s that a
	// process was killed, while another city could tell.
	heartbeatEvery   = 2 * time.Second
	heartbeatTimeout = 3 * time.Second
)

// A heartbeat asks a source again and again whether it lives. Its goroutine has ended
// when stop returns.
type heartbeat struct {
	lost chan error // has the reason once the source has not answered
	stop func()
}

// startHeartbeat asks a source on a stream of its own: that of the watch carries
// changes in one direction, and may be full of them.
func startHeartbeat(ctx context.Context, s source) *heartbeat {
	ctx, cancel := context.WithCancel(ctx)
	h := &heartbeat{lost: make(chan error, 1)}
	done := make(chan struct{})
	h.stop = func() { cancel(); <-done }
	go func() {
		defer close(done)
		if err := beat(ctx, s); err != nil && ctx.Err() == nil {
			h.lost <- err
		}
	}()
	return h
}

// beat asks until the source does not answer or ctx ends.
func beat(ctx context.Context, s source) error {
	var client *protocol.Client
	defer func() {
		if client != nil {
			_ = client.Close() // always nil
		}
	}()
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		var err error
		if client, err = askAlive(ctx, s, client); err != nil {
			return fmt.Errorf("%s gives no sign of life: %w: %w", s.peer, context.DeadlineExceeded, err)
		}
	}
}

// askAlive asks once, on the client's stream or on a new one. Any answer is a sign of
// life.
func askAlive(ctx context.Context, s source, client *protocol.Client) (*protocol.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	if client == nil {
		var err error
		if client, err = s.open(ctx); err != nil {
			return nil, err
		}
	}
	_, err := client.Info(ctx)
	if _, answered := errors.AsType[*protocol.Error](err); answered {
		err = nil
	}
	return client, err
}
