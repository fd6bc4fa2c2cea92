package dispatch

import (
	"context"
	"math"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// A fakeCity tells of a state over pipes, by the protocol's own server, as a city
// does. A test writes to the state and decides when streams break.
type fakeCity struct {
	name string

	mu       sync.Mutex // guards what follows
	state    *crdt.State
	down     bool
	silence  chan struct{} // until it is closed nothing is answered; nil: all is
	dropped  int           // how often its connection was dropped
	streams  []pipeEnd
	watchers map[*fakeWatcher]bool
}

type fakeWatcher struct {
	location string
	changes  chan []crdt.Change
}

func newFakeCity(name string) *fakeCity {
	return &fakeCity{name: name, state: crdt.NewState(), watchers: make(map[*fakeWatcher]bool)}
}

// source returns the city as a follower sees it.
func (c *fakeCity) source(context.Context) (source, error) {
	return source{peer: peer.ID(c.name), open: c.open, drop: c.drop}, nil
}

// drop ends the connection to the city.
func (c *fakeCity) drop() {
	c.mu.Lock()
	c.dropped++
	c.mu.Unlock()
	c.cut()
}

// fallSilent has the city answer nothing more, while its streams stay open, until speak is
// called.
func (c *fakeCity) fallSilent() (speak func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silence = make(chan struct{})
	return sync.OnceFunc(func() { close(c.silence) })
}

func (c *fakeCity) open(ctx context.Context) (*protocol.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return nil, unreachable("%s is down", c.name)
	}
	here, there := newPipe()
	c.streams = append(c.streams, there)
	go func() {
		server := protocol.Server{City: c.name, Handler: c}
		_ = server.Serve(context.Background(), there, "a follower") // why a stream ended is the test's doing
	}()
	return protocol.NewClient(here), nil
}

// merge has the city learn entries, and tell its watchers.
func (c *fakeCity) merge(e crdt.Entries) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changes := c.state.Merge(e, crdt.NoHorizon).Changes
	for w := range c.watchers {
		some := slices.DeleteFunc(slices.Clone(changes), func(x crdt.Change) bool {
			return w.location != "" && !x.Touches(w.location)
		})
		if len(some) > 0 {
			w.changes <- some
		}
	}
}

// all returns everything that the city holds.
func (c *fakeCity) all() crdt.Entries {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, _, _ := c.state.Page(0, math.MaxInt)
	return e
}

func (c *fakeCity) record(id crdt.ID) crdt.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Record(id)
}

// cut breaks all streams to the city.
func (c *fakeCity) cut() {
	c.mu.Lock()
	streams := c.streams
	c.streams = nil
	c.mu.Unlock()
	for _, s := range streams {
		_ = s.Reset()
	}
}

// setDown has the city refuse new streams, or take them again.
func (c *fakeCity) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// forgetAll has the city lose all it knows, as after a bomb.
func (c *fakeCity) forgetAll() {
	c.mu.Lock()
	c.state = crdt.NewState()
	c.mu.Unlock()
	c.cut()
}

func (c *fakeCity) ServeCall(ctx context.Context, call *protocol.Call) (any, error) {
	c.mu.Lock()
	silence := c.silence
	c.mu.Unlock()
	if silence != nil {
		<-silence
	}
	switch call.Request.Method {
	case protocol.MethodGet:
		return c.get(call)
	case protocol.MethodWatch:
		return nil, c.watch(ctx, call)
	}
	return nil, protocol.ErrUnsupported
}

// get answers in pages of one entry, so that changes fall between them.
func (c *fakeCity) get(call *protocol.Call) (any, error) {
	var r protocol.GetRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	var cursor crdt.Cursor
	for more := true; more && r.IDs == nil; {
		var page crdt.Entries
		c.mu.Lock()
		if r.Location == "" {
			page, cursor, more = c.state.Page(cursor, 1)
		} else {
			page.Heroes, cursor, more = c.state.PageAt(r.Location, cursor, 1)
		}
		c.mu.Unlock()
		if page.Len() == 0 {
			continue
		}
		if err := call.Send(protocol.GetReply{Entries: &page}); err != nil {
			return nil, err
		}
		<-time.After(time.Millisecond) // of a bubble: changes may fall between pages
	}
	for _, id := range r.IDs {
		var page crdt.Entries
		switch record := c.record(id); record.Kind {
		case crdt.KindHero:
			page.Heroes = []crdt.Hero{record.Hero}
		case crdt.KindTombstone:
			page.Tombstones = []crdt.Tombstone{record.Tombstone}
		default:
			continue
		}
		if err := call.Send(protocol.GetReply{Entries: &page}); err != nil {
			return nil, err
		}
	}
	return protocol.GetReply{Summary: new(crdt.Summary)}, nil
}

func (c *fakeCity) watch(ctx context.Context, call *protocol.Call) error {
	var r protocol.WatchRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	w := &fakeWatcher{location: r.Location, changes: make(chan []crdt.Change, 1<<12)}
	c.mu.Lock()
	c.watchers[w] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, w)
	}()
	ctx, cancel := call.UntilClosed(ctx)
	defer cancel()
	if err := call.Send(protocol.GetReply{Summary: new(crdt.Summary)}); err != nil {
		return err
	}
	for {
		select {
		case changes := <-w.changes:
			for _, change := range changes {
				e := change.Entries()
				if err := call.Send(protocol.GetReply{Entries: &e}); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A pipeEnd is one end of a stream within the process.
type pipeEnd struct{ in, out net.Conn }

func newPipe() (a, b pipeEnd) {
	abIn, abOut := net.Pipe()
	baIn, baOut := net.Pipe()
	return pipeEnd{in: baIn, out: abOut}, pipeEnd{in: abIn, out: baOut}
}

func (p pipeEnd) Read(b []byte) (int, error)         { return p.in.Read(b) }
func (p pipeEnd) Write(b []byte) (int, error)        { return p.out.Write(b) }
func (p pipeEnd) CloseWrite() error                  { return p.out.Close() }
func (p pipeEnd) SetReadDeadline(t time.Time) error  { return p.in.SetReadDeadline(t) }
func (p pipeEnd) SetWriteDeadline(t time.Time) error { return p.out.SetWriteDeadline(t) }
func (p pipeEnd) Reset() error                       { return p.Close() }

func (p pipeEnd) Close() error {
	_ = p.out.Close() // always nil
	return p.in.Close()
}
