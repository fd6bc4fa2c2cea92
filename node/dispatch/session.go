package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	// answerTimeout bounds how long a source may be silent where an answer is due:
	// before its watch is live, and between two pages of a get. Others may tell
	// meanwhile.
	answerTimeout = 5 * time.Second
	// repliesMax is how many replies with changes wait while the state is read. What
	// comes beyond them waits at the city, which ends the watch if that is too much.
	repliesMax = 64
	// askMax is how many heroes are asked for at once: a quarter of a frame.
	askMax = 4096
	// The pause between two questions for heroes that a source does not show grows
	// from what a sync between two cities takes, for a source that never hears of
	// them may not either cost much.
	askAfterMin = time.Second
	askAfterMax = 10 * time.Second
)

// A watch is a stream on which a source tells changes. Its goroutine has ended
// when stop returns.
type watch struct {
	live    chan struct{}     // closed when the source tells all changes from here on
	replies chan crdt.Entries // the changes
	ended   chan error        // why there will be no more, once all pages are sent
	stop    func()
}

// startWatch asks a source for the changes at a location.
func startWatch(ctx context.Context, s source, location string) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{live: make(chan struct{}), replies: make(chan crdt.Entries, repliesMax), ended: make(chan error, 1)}
	done := make(chan struct{})
	w.stop = func() { cancel(); <-done }
	go func() {
		defer close(done)
		w.ended <- w.read(ctx, s, location)
	}()
	return w
}

// read hands over what the source tells until the watch ends.
func (w *watch) read(ctx context.Context, s source, location string) error {
	client, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	begun := func(crdt.Summary) error { close(w.live); return nil }
	return client.Watch(ctx, protocol.WatchRequest{Location: location}, begun, func(page crdt.Entries) error {
		select {
		case w.replies <- page:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// session has one source tell until its watch ends. The changes are asked for
// before the state, so that none is missed in between. It reports whether the
// source was live.
func (f *follower) session(ctx context.Context, s source) (live bool, err error) {
	w := startWatch(ctx, s, f.memory.location)
	defer w.stop()
	select {
	case <-w.live:
	case err := <-w.ended:
		return false, err
	case <-time.After(min(answerTimeout, f.patience)):
		return false, fmt.Errorf("watch at %s: %w", s.peer, context.DeadlineExceeded)
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if err := f.catchUp(ctx, s, w); err != nil {
		return false, err
	}
	f.began = true
	learning, cancel := context.WithCancel(ctx)
	var learned sync.WaitGroup
	learned.Go(func() { f.keepLearning(learning) })
	defer func() { cancel(); learned.Wait() }()
	if !f.yield(Update{Live: true, Peer: s.peer}, nil) {
		return true, errStopped
	}
	return true, f.listen(ctx, s, w)
}

// catchUp tells what the source holds now against what was told before.
func (f *follower) catchUp(ctx context.Context, s source, w *watch) error {
	f.unseen = nil
	if f.memory.location != "" {
		f.unseen = f.memory.here()
	}
	request := protocol.GetRequest{Location: f.memory.location}
	return f.reading(ctx, s, func(get getter) error {
		err := get(request, func(page crdt.Entries) error {
			if err := f.tell(s, page); err != nil {
				return err
			}
			return f.tellWaiting(s, w)
		})
		if err != nil {
			return err
		}
		return f.ask(s, get)
	})
}

// tellWaiting tells the changes that have come and wait, so that the watch does
// not end while a large state is read.
func (f *follower) tellWaiting(s source, w *watch) error {
	for {
		select {
		case page := <-w.replies:
			if err := f.tell(s, page); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// A getter gets entries from a source, page by page.
type getter func(protocol.GetRequest, func(crdt.Entries) error) error

// reading gives read a stream to the source. A source that is silent for
// answerTimeout ends it; the time that the reader takes does not count.
func (f *follower) reading(ctx context.Context, s source, read func(getter) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(answerTimeout, func() { cancel(context.DeadlineExceeded) })
	defer silence.Stop()
	client, err := s.open(ctx)
	if err == nil {
		defer client.Close()
		err = read(func(r protocol.GetRequest, page func(crdt.Entries) error) error {
			_, err := client.Get(ctx, r, func(e crdt.Entries) error {
				// The reader may take as long as it likes with a page. Only the source
				// is timed.
				silence.Stop()
				defer silence.Reset(answerTimeout)
				return page(e)
			})
			return err
		})
	}
	if err != nil && context.Cause(ctx) == context.DeadlineExceeded {
		return fmt.Errorf("get from %s: %w", s.peer, context.DeadlineExceeded)
	}
	return err
}

// ask asks a source by id for the heroes that it has not shown at the location,
// and tells where they are now or that they are dead. Those of which the source
// does not know as much as was told already stay unseen.
func (f *follower) ask(s source, get getter) error {
	for ids := range slices.Chunk(f.memory.stillHere(f.unseen), askMax) {
		err := get(protocol.GetRequest{IDs: ids}, func(page crdt.Entries) error { return f.tell(s, page) })
		if err != nil {
			return err
		}
	}
	f.memory.stillHere(f.unseen)
	return nil
}

// listen tells the changes as they come, until the watch ends.
func (f *follower) listen(ctx context.Context, s source, w *watch) error {
	pause := askAfterMin
	again := time.NewTimer(pause)
	defer again.Stop()
	alive := startHeartbeat(ctx, s)
	defer alive.stop()
	for {
		var due <-chan time.Time
		if len(f.unseen) > 0 {
			due = again.C
		}
		select {
		case page := <-w.replies:
			if err := f.tell(s, page); err != nil {
				return err
			}
		case <-due:
			if err := f.reading(ctx, s, func(get getter) error { return f.ask(s, get) }); err != nil {
				return err
			}
			pause = min(2*pause, askAfterMax)
			again.Reset(pause)
		case err := <-w.ended:
			// Of several cases that are ready select takes any, so pages that came
			// before the end may still wait.
			if waiting := f.tellWaiting(s, w); waiting != nil {
				return waiting
			}
			return err
		case err := <-alive.lost:
			if s.drop != nil {
				s.drop()
			}
			return err
		}
	}
}
