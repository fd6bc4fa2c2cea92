package antientropy

import (
	"context"
	"sync"

	"github.com/citynode/citynode/protocol"
)

// settles let callers share a settle. A caller that comes while one runs needs a later
// one, and shares that with all who come until it begins.
type settles struct {
	mu      sync.Mutex // guards running, next, and what settlings gather
	running bool
	next    *settling // waiting for the running one to end; nil if nobody waits
}

// A settling is one run of a settle and what came of it so far.
type settling struct {
	begin chan struct{} // closed when whoever leads it may begin
	more  chan struct{} // closed, and replaced, when there are more lines or it is over
	lines []protocol.SettleLine
	over  bool
	err   error // once it is over
}

// join returns the settling that a caller who comes now may share, and whether the
// caller is its first and leads it.
func (q *settles) join() (s *settling, leads bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next != nil {
		return q.next, false
	}
	s = &settling{begin: make(chan struct{}), more: make(chan struct{})}
	if q.running {
		q.next = s
	} else {
		q.running = true
		close(s.begin)
	}
	return s, true
}

// tell adds a line, for all who follow the settling.
func (q *settles) tell(s *settling, line protocol.SettleLine) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.lines = append(s.lines, line)
	close(s.more)
	s.more = make(chan struct{})
}

// finish ends a settling and lets the next one begin, if somebody waits.
func (q *settles) finish(s *settling, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.over, s.err = true, err
	close(s.more)
	if q.next == nil {
		q.running = false
		return
	}
	close(q.next.begin)
	q.next = nil
}

// follow calls send with each line of a settling, as it comes, until it is over or ctx
// ends.
func (q *settles) follow(ctx context.Context, s *settling, send func(protocol.SettleLine) error) error {
	for sent := 0; ; {
		q.mu.Lock()
		lines, more, over, err := s.lines[sent:], s.more, s.over, s.err
		q.mu.Unlock()
		for _, line := range lines {
			if err := send(line); err != nil {
				return err
			}
		}
		if sent += len(lines); over {
			return err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
