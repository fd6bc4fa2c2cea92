package node

import (
	"context"
	"sync"
	"time"

	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// settlePasses: after the first this city holds what all held, after the
	// second all hold it.
	settlePasses = 2
	// settleAtOnce is how many cities are synced with at once.
	settleAtOnce = 4
	// settleEach bounds one of those syncs.
	settleEach = 5 * time.Second
)

// settles lets callers share a settle. One that comes while one runs needs a
// later one, which it shares with all who come until that begins.
type settles struct {
	mu      sync.Mutex // guards the rest
	running bool
	next    *settling // waiting for the running one to end; nil if nobody waits
}

// settling is one run and its outcome.
type settling struct {
	begin chan struct{} // closed when whoever leads it may begin
	done  chan struct{} // closed once lines and err are set
	lines []protocol.SettleLine
	err   error
}

// settle syncs with every city that is alive, twice, and sends a line for each
// of the second pass.
func (n *Node) settle(ctx context.Context, send func(protocol.SettleLine) error) error {
	s, leads := n.settles.join()
	if leads {
		n.leadSettling(ctx, s)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.err != nil {
		return s.err
	}
	for _, line := range s.lines {
		if err := send(line); err != nil {
			return err
		}
	}
	return nil
}

// join is the settling that a caller who comes now may share, and whether the
// caller is the first of it and leads it.
func (q *settles) join() (s *settling, leads bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next != nil {
		return q.next, false
	}
	s = &settling{begin: make(chan struct{}), done: make(chan struct{})}
	if q.running {
		q.next = s
	} else {
		q.running = true
		close(s.begin)
	}
	return s, true
}

// finish hands over to those who wait.
func (q *settles) finish(s *settling) {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(s.done)
	if q.next == nil {
		q.running = false
		return
	}
	close(q.next.begin)
	q.next = nil
}

// leadSettling runs a settling once it is its turn. A leader that goes away
// ends it for those who share it, with an error after which they try again.
func (n *Node) leadSettling(ctx context.Context, s *settling) {
	<-s.begin // the one before is bounded by settleEach a city
	defer n.settles.finish(s)
	for range settlePasses {
		if s.lines, s.err = n.settlePass(ctx); s.err != nil {
			s.err = protocol.Errorf(protocol.Unavailable, "settle was cut short: %w", s.err)
			return
		}
	}
}

func (n *Node) settlePass(ctx context.Context) ([]protocol.SettleLine, error) {
	cities := n.directory.alive()
	lines := make([]protocol.SettleLine, len(cities))
	room := make(chan struct{}, settleAtOnce)
	group, ctx := supervise.NewGroup(ctx)
	for i, e := range cities {
		group.Go(func() error {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-room }()
			lines[i] = n.settleWith(ctx, e)
			return ctx.Err()
		})
	}
	return lines, group.Wait()
}

func (n *Node) settleWith(ctx context.Context, e entry) protocol.SettleLine {
	line := protocol.SettleLine{City: e.presence.City, Peer: []byte(e.peer)}
	ctx, cancel := context.WithTimeout(ctx, settleEach)
	defer cancel()
	n.findAddrs(ctx, e.peer)
	begun, start := time.Now(), n.now()
	result, err := n.entropy.syncWith(ctx, e.peer)
	if err != nil {
		line.Error = err.Error()
		return line
	}
	n.entropy.completed(e.peer, result, start, begun)
	line.Differed, line.Skipped = result.Differed, result.Skipped
	return line
}
