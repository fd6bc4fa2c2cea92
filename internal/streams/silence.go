package streams

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/wake"
	"github.com/citynode/citynode/protocol"
)

const (
	// silenceFirst is how long a call to a city may take before the status of the city is
	// looked at, and silenceEvery how often it is looked at after that. Most calls take
	// milliseconds, so hardly any of them looks.
	silenceFirst = time.Second
	silenceEvery = 300 * time.Millisecond
	// suspectMax is how long a call waits for a city that is suspect: so a call ends within
	// two seconds, or so soon after a city has fallen silent.
	suspectMax = 1300 * time.Millisecond
)

// A Callee is the city that a call is made to. Its methods are safe for concurrent use.
type Callee struct {
	City string // its name
	// Status returns what is known of a peer, or of the best of those that hold the name
	// where the peer is empty; "" where nothing is known. It must not block.
	Status func(peer.ID) protocol.CityStatus

	peer   atomic.Pointer[peer.ID]         // nil: it is being looked up
	client atomic.Pointer[protocol.Client] // nil: nothing has been sent
}

// Found says which peer holds the name.
func (c *Callee) Found(p peer.ID) { c.peer.Store(&p) }

// Use says with which client the call is made. It returns an error where ctx, which do was
// given, has ended meanwhile.
func (c *Callee) Use(ctx context.Context, client *protocol.Client) error {
	c.client.Store(client)
	return ctx.Err() // after the store: whoever ends ctx looks for a client then
}

// UnlessSilent runs do, which calls the city, until the city is known to be silent. Then
// the context of do and the stream of its client end, and the error is a
// *protocol.SilentError.
//
// A city that is suspect may only be slow. So it ends a call that waits for a first
// answer, and none that has begun to be answered, as a watch that is live. One that has
// failed ends all.
func (c *Callee) UnlessSilent(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var looking sync.WaitGroup
	// Deferred calls run in reverse order: the look is ended before it is waited for.
	defer looking.Wait()
	defer cancel(nil)
	looking.Go(func() {
		status := c.awaitSilence(ctx)
		if status == "" {
			return
		}
		cancel(&protocol.SilentError{City: c.City, Status: status})
		if client := c.client.Load(); client != nil {
			_ = client.Close() // always nil
		}
	})
	err := do(ctx)
	if silent, ok := errors.AsType[*protocol.SilentError](context.Cause(ctx)); ok && err != nil {
		silent.Sent = c.client.Load() != nil
		return silent
	}
	return err
}

// awaitSilence returns the status of the city once it is silent, or "" once ctx ends.
func (c *Callee) awaitSilence(ctx context.Context) protocol.CityStatus {
	begun := time.Now()
	for pause := silenceFirst; ; pause = silenceEvery {
		if wake.Sleep(ctx, pause) != nil {
			return ""
		}
		switch status := c.status(); {
		case status == protocol.StatusFailed:
			return status
		case status == protocol.StatusSuspect && time.Since(begun) >= suspectMax && !c.answers():
			return status
		}
	}
}

// status returns what is known of who is called.
func (c *Callee) status() protocol.CityStatus {
	if p := c.peer.Load(); p != nil {
		return c.Status(*p)
	}
	return c.Status("")
}

// answers reports whether the city has begun to answer what it was asked.
func (c *Callee) answers() bool {
	client := c.client.Load()
	return client != nil && !client.Unanswered()
}
