//go:build linux

package netlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	macBytes = 6
	// frameBytesMax is the longest frame of an Ethernet with 1,500 bytes of
	// payload, with room for a VLAN tag.
	frameBytesMax = 1518
	// frameBytesMin is the shortest that says where it goes and comes from.
	frameBytesMin = 14
)

// A plug is a host's end of the Ethernet. Each Read returns one frame that the host
// sends, and each Write passes one frame to the host. After Close both return
// os.ErrClosed.
type plug struct {
	mac [macBytes]byte
	io.ReadWriteCloser
}

// An ethernet is a switch between plugs. It knows the MAC address of each plug. A
// frame to a group goes to all other plugs. A frame to an unknown address is
// dropped.
type ethernet struct {
	plugs   []plug
	changed chan struct{} // has one element when another frame is the next one

	mu         sync.Mutex // guards all below
	directions [][]direction
	flights    flights
}

func newEthernet(seed uint64, plugs []plug) *ethernet {
	e := &ethernet{plugs: plugs, changed: make(chan struct{}, 1), directions: make([][]direction, len(plugs))}
	for from := range plugs {
		e.directions[from] = make([]direction, len(plugs))
		for to := range plugs {
			stream := uint64(from)<<32 | uint64(to)
			e.directions[from][to].chance = rand.New(rand.NewPCG(seed, stream))
		}
	}
	return e
}

// serve carries frames until ctx is done, or returns the error of a plug that fails.
// It closes the plugs.
func (e *ethernet) serve(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	for from := range e.plugs {
		all.Go(func() error { return e.collect(from) })
	}
	all.Go(func() error { return e.deliver(ctx) })
	all.Go(func() error {
		<-ctx.Done()
		for _, p := range e.plugs {
			_ = p.Close()
		}
		return nil
	})
	return all.Wait()
}

// collect reads the frames that a host sends until its plug is closed.
func (e *ethernet) collect(from int) error {
	buf := make([]byte, frameBytesMax)
	for {
		n, err := e.plugs[from].Read(buf)
		switch {
		case errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("read what host %d sends: %w", from, err)
		case n >= frameBytesMin:
			e.send(time.Now(), from, bytes.Clone(buf[:n]))
		}
	}
}

// send puts a frame on its way to all its receivers.
func (e *ethernet) send(now time.Time, from int, frame []byte) {
	to := [macBytes]byte(frame)
	group := to[0]&1 != 0
	e.mu.Lock()
	first := false
	for i, p := range e.plugs {
		if i == from || !group && p.mac != to {
			continue
		}
		if due, ok := e.directions[from][i].send(now, len(frame)); ok {
			first = e.flights.add(flight{due: due, from: from, to: i, frame: frame}) || first
		}
	}
	e.mu.Unlock()
	if first {
		select {
		case e.changed <- struct{}{}:
		default:
		}
	}
}

// deliver passes frames to their receivers when they are due, until ctx is done.
func (e *ethernet) deliver(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-e.changed:
		}
		for x, ok := e.arrived(time.Now()); ok; x, ok = e.arrived(time.Now()) {
			_, err := e.plugs[x.to].Write(x.frame)
			e.of(x.from, x.to, func(d *direction) { d.handed(len(x.frame), err) })
		}
		if wait, ok := e.untilNext(time.Now()); ok {
			timer.Reset(wait)
		}
	}
}

// arrived removes and returns the next frame that is due and gets through.
func (e *ethernet) arrived(now time.Time) (flight, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		x, ok := e.flights.due(now)
		if !ok || e.directions[x.from][x.to].arrive() {
			return x, ok
		}
	}
}

func (e *ethernet) untilNext(now time.Time) (time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next, ok := e.flights.next()
	return next.Sub(now), ok
}

// of calls f with one direction, which f may change.
func (e *ethernet) of(from, to int, f func(*direction)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(&e.directions[from][to])
}

// each calls f with every direction, which f may change, all at one moment.
func (e *ethernet) each(f func(from, to int, d *direction)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for from := range e.directions {
		for to := range e.directions[from] {
			if from != to {
				f(from, to, &e.directions[from][to])
			}
		}
	}
}
