package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

const (
	// silenceFirst is how long a call to a city may take before the node is asked what it
	// thinks of the city, and silenceEvery how often it is asked after that. Most calls take
	// milliseconds, so hardly any of them asks.
	silenceFirst = time.Second
	silenceEvery = 400 * time.Millisecond
	// suspectMax is how long a call waits for a city that is suspect: so a call ends within
	// two seconds, or so soon after a city has fallen silent.
	suspectMax = 1300 * time.Millisecond
)

// A SilentError says that a city does not answer, and what is known of it: see
// [protocol.SilentError].
type SilentError = protocol.SilentError

// unlessSilent runs do until the node that is asked takes the city for silent: then its
// context ends, interrupt is called, and the error is a *SilentError. sentTo returns the
// peer that the request was sent to, "" before it was. Until then no peer that holds the
// name may be alive for the city to count as silent.
func (d *Dispatcher) unlessSilent(
	ctx context.Context, city string, sentTo func() peer.ID, interrupt func(), do func(context.Context) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var looking sync.WaitGroup
	// Deferred calls run in reverse order: the look is ended before it is waited for.
	defer looking.Wait()
	defer cancel(nil)
	looking.Go(func() {
		if silent := d.awaitSilence(ctx, city, sentTo); silent != nil {
			cancel(silent)
			interrupt()
		}
	})
	err := do(ctx)
	if silent, ok := errors.AsType[*SilentError](context.Cause(ctx)); ok && err != nil {
		silent.Sent = sentTo() != ""
		return silent
	}
	return err
}

// awaitSilence returns once the city is silent, or nil once ctx ends.
func (d *Dispatcher) awaitSilence(ctx context.Context, city string, sentTo func() peer.ID) *SilentError {
	begun := time.Now()
	timer := time.NewTimer(silenceFirst)
	defer timer.Stop()
	var node *Link // a stream of its own: on that of the node a question may wait behind others
	defer func() {
		if node != nil {
			node.Close()
		}
	}()
	for ; ; timer.Reset(silenceEvery) {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if node == nil {
			node = d.Node().Clone()
		}
		status := statusOf(ctx, node, city, sentTo())
		if status == protocol.StatusFailed || status == protocol.StatusSuspect && time.Since(begun) >= suspectMax {
			return &SilentError{City: city, Status: status}
		}
	}
}

// statusOf returns what a node thinks of the peer, or of the best of those that hold the
// name where no peer is given; "" where it does not know or does not say.
func statusOf(ctx context.Context, node *Link, city string, sentTo peer.ID) (best protocol.CityStatus) {
	ctx, cancel := context.WithTimeout(ctx, silenceFirst)
	defer cancel()
	_ = node.Once(ctx, func(c *protocol.Client) error {
		lines, err := c.Cities(ctx)
		for _, line := range lines {
			switch {
			case sentTo != "" && peer.ID(line.Peer) != sentTo, sentTo == "" && line.Presence.City != city:
			case best == "" || line.Status == protocol.StatusAlive || line.Status == protocol.StatusSuspect && best != protocol.StatusAlive:
				best = line.Status
			}
		}
		return err
	})
	return best
}
