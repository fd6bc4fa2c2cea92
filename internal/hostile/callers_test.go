//go:build linux

package hostile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	// callEvery is the pause between two calls of one caller. It is more than a call
	// takes, and gives a hundred calls a second in all, of which the 99th of a hundred
	// is still several calls in the short form.
	callEvery = 30 * time.Millisecond
	// callMax is when a call has failed.
	callMax = 10 * time.Second
)

// A caller calls one city, on a stream that it keeps.
type caller struct {
	host   host.Host
	city   peer.ID
	client *protocol.Client // nil: the next call opens a stream
	hero   crdt.ID
}

// newCaller returns a caller of a city that calls from an IP address.
func newCaller(t *testing.T, from string, city peer.AddrInfo) *caller {
	t.Helper()
	h, err := newForeignHost(from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() }) // ending anyway
	c := &caller{host: h, city: city.ID}
	ctx, cancel := context.WithTimeout(t.Context(), atMost(callMax))
	defer cancel()
	if err := h.Connect(ctx, city); err != nil {
		t.Fatal(err)
	}
	return c
}

// openCalls opens a stream for calls to a city to which the host is connected.
func openCalls(ctx context.Context, h host.Host, city peer.ID) (*protocol.Client, error) {
	stream, err := h.NewStream(ctx, city, libp2pprotocol.ID(protocol.CallID(protocol.DefaultNetwork)))
	if err != nil {
		return nil, err
	}
	return protocol.NewClient(stream), nil
}

// eachCaller runs an attack by calls on each of the cities at once.
func eachCaller(ctx context.Context, task attackTask, run func(context.Context, *protocol.Client)) error {
	return eachTarget(ctx, task, func(ctx context.Context, h host.Host, target peer.AddrInfo) {
		client, err := openCalls(ctx, h, target.ID)
		if err != nil {
			return
		}
		run(ctx, client)
		_ = client.Close() // the stream is over
	})
}

// call makes one call: it creates a hero first, and orders that hero about from then on.
func (c *caller) call(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, atMost(callMax))
	defer cancel()
	if c.client == nil {
		if c.client, err = openCalls(ctx, c.host, c.city); err != nil {
			return err
		}
	}
	request := crdt.ID(uuid.Must(uuid.NewV7()))
	if c.hero.IsZero() {
		_, err = c.client.Create(ctx, request, protocol.CreateRequest{Name: "Robin", Here: true})
		if err == nil {
			c.hero = request
		}
	} else {
		_, err = c.client.Assign(ctx, request, protocol.AssignRequest{Hero: c.hero})
	}
	if err != nil {
		_ = c.client.Close()
		c.client = nil
	}
	return err
}

// figures are what calls of a while took.
type figures struct {
	took   []time.Duration // in order
	failed []error
}

// p99 returns what 99 of 100 calls take at most.
func (f figures) p99() time.Duration { return f.quantile(0.99) }

func (f figures) quantile(q float64) time.Duration {
	if len(f.took) == 0 {
		return 0
	}
	return f.took[min(len(f.took)-1, int(q*float64(len(f.took))))]
}

// String tells the figures in one line.
func (f figures) String() string {
	return fmt.Sprintf("%4d calls, %d failed, p50 %v, p99 %v", len(f.took), len(f.failed),
		f.quantile(0.5).Round(10*time.Microsecond), f.p99().Round(10*time.Microsecond))
}

// measure has all callers call until ctx is done. A call that failed counts as one that
// took callMax.
func measure(ctx context.Context, callers []*caller) (f figures) {
	var (
		mu    sync.Mutex // guards f
		calls sync.WaitGroup
	)
	for _, c := range callers {
		calls.Go(func() {
			tick := time.NewTicker(callEvery)
			defer tick.Stop()
			for ctx.Err() == nil {
				begun := time.Now()
				err := c.call(context.Background())
				took := time.Since(begun)
				mu.Lock()
				if err != nil {
					took = callMax
					f.failed = append(f.failed, err)
				}
				f.took = append(f.took, took)
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-tick.C:
				}
			}
		})
	}
	calls.Wait()
	slices.Sort(f.took)
	return f
}
