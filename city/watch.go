package city

import (
	"context"
	"sync/atomic"

	"github.com/citynode/citynode/crdt"
)

// Bounds on watchers. A batch of changes is shared by all of them, so what a
// slow watcher holds is at most the changes it has not read, a few hundred
// bytes each.
const (
	watchersMax       = 256
	watchBatchesMax   = 256
	watchChangesMax   = 16 << 10
	watcherTooSlowMsg = "watching too slowly, changes were lost; get the state again"
)

// A Watcher receives the changes of one incarnation as they happen: of one hero each is
// newer than the one before. What a page of the state holds that was read meanwhile may
// be newer or older than the next change. Who mirrors the state merges both, as
// [crdt.State.Merge] does or by [crdt.Record.Beats]; to take the last word is wrong.
type Watcher struct {
	inc      *Incarnation
	location string
	batches  chan []crdt.Change
	pending  atomic.Int64 // changes in batches
	err      error        // why it ended; read only once batches is closed
}

// Watch subscribes to all changes that touch the location, or to all if it is
// empty, and gives the summary of the state that the first change follows.
func (i *Incarnation) Watch(ctx context.Context, location string) (*Watcher, crdt.Summary, error) {
	w := &Watcher{inc: i, location: location, batches: make(chan []crdt.Change, watchBatchesMax)}
	var (
		summary crdt.Summary
		full    bool
	)
	_, err := i.submit(ctx, task{
		reply: make(chan Reply, 1),
		run: func(i *Incarnation) {
			if full = len(i.watchers) >= watchersMax; !full {
				i.watchers[w] = struct{}{}
				summary = i.core.State().Summary()
			}
		},
	})
	if err != nil {
		w.Close() // the task may still run, and nobody would read
		return nil, crdt.Summary{}, err
	}
	if full {
		return nil, crdt.Summary{}, refuse(Busy, "city %s has %d watchers already", i.name, watchersMax)
	}
	return w, summary, nil
}

// Next returns the next batch of changes, never empty. It fails with a *Refusal as
// busy once changes were lost, or as unavailable after a crash, or with the
// error of ctx.
func (w *Watcher) Next(ctx context.Context) ([]crdt.Change, error) {
	select {
	case batch, ok := <-w.batches:
		if !ok {
			return nil, w.err
		}
		w.pending.Add(-int64(len(batch)))
		return batch, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the subscription.
func (w *Watcher) Close() {
	// Fails only if the incarnation has ended, and the subscription with it.
	_, _ = w.inc.submit(context.Background(), task{
		reply: make(chan Reply, 1),
		run: func(i *Incarnation) {
			if _, ok := i.watchers[w]; ok {
				w.finish(context.Canceled)
				delete(i.watchers, w)
			}
		},
	})
}

// finish ends the watcher; only the loop calls it, once.
func (w *Watcher) finish(why error) {
	w.err = why
	close(w.batches)
}

// tellWatchers hands changes over, which nobody writes to any more.
func (i *Incarnation) tellWatchers(all []crdt.Change) {
	for w := range i.watchers {
		if !w.offer(w.filter(all)) {
			w.finish(refuse(Busy, watcherTooSlowMsg))
			delete(i.watchers, w)
		}
	}
}

func (w *Watcher) filter(all []crdt.Change) []crdt.Change {
	if w.location == "" {
		return all
	}
	var some []crdt.Change
	for _, change := range all {
		if change.Touches(w.location) {
			some = append(some, change)
		}
	}
	return some
}

// offer hands over a batch without waiting, and tells whether there was room.
func (w *Watcher) offer(batch []crdt.Change) bool {
	if len(batch) == 0 {
		return true
	}
	if w.pending.Add(int64(len(batch))) > watchChangesMax {
		return false
	}
	select {
	case w.batches <- batch:
		return true
	default:
		return false
	}
}
