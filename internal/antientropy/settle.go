package antientropy

import (
	"context"
	"sync"
	"time"

	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// SettlePasses is how often a settle syncs with each city. After the first pass this
	// city holds what all held; after the second all hold it.
	SettlePasses = 2
	// settleAtOnce is how many cities are synced with at once. They come on top of
	// sessionsMax: somebody waits for them.
	settleAtOnce = 4
	// settleEach bounds one of those syncs. A city that does not answer must not hold
	// up all the others, and costs a line with an error.
	settleEach = 5 * time.Second
)

// settles let callers share a settle. A caller that comes while one runs needs a later
// one, and shares that with all who come until it begins.
type settles struct {
	mu      sync.Mutex // guards running, next
	running bool
	next    *settling // waiting for the running one to end; nil if nobody waits
}

// A settling is one run of a settle and its outcome.
type settling struct {
	begin chan struct{} // closed when whoever leads it may begin
	done  chan struct{} // closed once lines and err are set
	lines []protocol.SettleLine
	err   error
}

// Settle syncs with every city that is alive, twice, and calls send with a line for
// each of the second pass. Callers that come while a settle runs share the next.
func (a *AntiEntropy) Settle(ctx context.Context, send func(protocol.SettleLine) error) error {
	s, leads := a.settles.join()
	if leads {
		a.leadSettling(ctx, s)
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

// join returns the settling that a caller who comes now may share, and whether the
// caller is its first and leads it.
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

// finish ends a settling and lets the next one begin, if somebody waits.
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
func (a *AntiEntropy) leadSettling(ctx context.Context, s *settling) {
	// Without ctx: whoever leads must finish, or all who come later wait in vain.
	<-s.begin // the one before is bounded by settleEach a city
	defer a.settles.finish(s)
	for range SettlePasses {
		if s.lines, s.err = a.settlePass(ctx); s.err != nil {
			s.err = protocol.Errorf(protocol.Unavailable, "settle was cut short: %w", s.err)
			return
		}
	}
}

// settlePass syncs with every city that is alive, settleAtOnce at a time.
func (a *AntiEntropy) settlePass(ctx context.Context) ([]protocol.SettleLine, error) {
	cities := a.cfg.Cluster.Alive()
	lines := make([]protocol.SettleLine, len(cities))
	room := make(chan struct{}, settleAtOnce)
	group, ctx := supervise.NewGroup(ctx)
	for i, c := range cities {
		group.Go(func() error {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-room }()
			// Each goroutine has a place of its own in lines, so there is no lock.
			lines[i] = a.settleWith(ctx, c)
			return ctx.Err()
		})
	}
	return lines, group.Wait()
}

// settleWith syncs with one city.
func (a *AntiEntropy) settleWith(ctx context.Context, c Neighbour) protocol.SettleLine {
	line := protocol.SettleLine{City: c.Name, Peer: []byte(c.Peer)}
	if c.Apart != nil {
		line.Error = c.Apart.Error()
		return line
	}
	ctx, cancel := context.WithTimeout(ctx, settleEach)
	defer cancel()
	a.cfg.FindAddrs(ctx, c.Peer)
	result, err := a.Sync(ctx, c.Peer)
	if err != nil {
		line.Error = err.Error()
		return line
	}
	line.Differed, line.Skipped = result.Differed, result.Skipped
	return line
}
