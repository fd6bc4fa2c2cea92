package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/internal/wake"
	"github.com/citynode/citynode/protocol"
)

const (
	// journalBytesMax is how much of what neighbours sent may wait for the disk.
	// Beyond that it is left out, and the whole state is written later.
	journalBytesMax = 64 << 20
	// resumeEvery is how often a store that failed is tried again.
	resumeEvery = time.Second
	// stuckAfter is how long a commit may take before the store counts as failed:
	// a disk that hangs gives no error.
	stuckAfter = 5 * time.Second
)

// errEnded ends what was written for an incarnation that has crashed.
var errEnded = errors.New("the city has crashed meanwhile")

// errVoided ends the records of an incarnation that was bombed.
var errVoided = errors.New("the city was bombed")

// journal makes durable what the city does. One goroutine, serve, writes to the
// store; what waits meanwhile goes in together with the next write.
type journal struct {
	store *store.Store
	log   *slog.Logger
	// inLoop runs f in the loop of the present incarnation; facts stores what the
	// city knows of itself; tell is told of faults.
	inLoop func(ctx context.Context, f func(*city.Core)) error
	facts  func() error
	tell   func(StoreEvent)
	wake   chan struct{} // has a token when something waits

	mu      sync.Mutex // guards the rest, and what of a volume it says
	volume  *volume    // of the present incarnation
	fault   error      // why the store does not work, or nil
	writing time.Time  // when the write that runs began; zero: none runs
}

// volume is the journal of one incarnation: a city.Journal.
type volume struct {
	journal *journal
	epoch   store.Epoch
	news    chan struct{}

	// Guarded by the journal's mu.
	waiting  store.Batch
	bytes    int    // of the entries that wait, about
	appended uint64 // the last number given
	durable  uint64
	behind   bool // some were left out: the whole state has to be written
	voided   bool
	// rewriting is that a store that had failed is being given the state.
	rewriting bool
}

func newJournal(n *Node) *journal {
	return &journal{
		store: n.cfg.Store,
		log:   n.log,
		inLoop: func(ctx context.Context, f func(*city.Core)) error {
			inc, err := n.city.Current()
			if err != nil {
				return err
			}
			return inc.Read(ctx, f)
		},
		facts: n.kept.save,
		tell:  n.cfg.Events.Store,
		wake:  make(chan struct{}, 1),
	}
}

// begin ends the volume that there is and begins that of a new incarnation. What
// of the old one is not being written is not written any more, for it may be
// older than what the new one will have.
func (j *journal) begin() *volume {
	v := &volume{journal: j, epoch: j.store.Epoch(), news: make(chan struct{}, 1)}
	v.waiting.Lazy = true
	wake.Signal(v.news).Set() // of a fault
	j.mu.Lock()
	j.volume = v
	j.mu.Unlock()
	return v
}

// Append has effects written with the next ones.
func (v *volume) Append(fx city.Effects) uint64 {
	v.journal.mu.Lock()
	defer v.journal.mu.Unlock()
	v.appended++
	if v.journal.fault != nil && !v.rewriting || v.voided || fx.Lazy() && v.bytes > journalBytesMax {
		v.behind = true
		return v.appended
	}
	for i := range fx.Changes {
		v.add(fx.Changes[i].New)
	}
	if a, ok := fx.Answered(); ok {
		v.waiting.Answers = append(v.waiting.Answers, storedAnswer(a))
	}
	v.waiting.Lazy = v.waiting.Lazy && fx.Lazy()
	wake.Signal(v.journal.wake).Set()
	return v.appended
}

func (v *volume) add(r crdt.Record) {
	switch r.Kind {
	case crdt.KindHero:
		v.waiting.Entries.Heroes = append(v.waiting.Entries.Heroes, r.Hero)
	case crdt.KindTombstone:
		v.waiting.Entries.Tombstones = append(v.waiting.Entries.Tombstones, r.Tombstone)
	}
	v.bytes += recordSize(&r)
}

// Durable tells up to which number all is durable, and why no more becomes so.
func (v *volume) Durable() (uint64, error) {
	v.journal.mu.Lock()
	defer v.journal.mu.Unlock()
	if v.voided {
		return v.durable, errVoided
	}
	return v.durable, v.journal.fault
}

// News has a token when Durable may tell something else.
func (v *volume) News() <-chan struct{} { return v.news }

// take takes all that waits, and the number of its last.
func (v *volume) take() (store.Batch, uint64) {
	b := v.waiting
	b.Epoch = v.epoch
	v.waiting, v.bytes = store.Batch{Lazy: true}, 0
	return b, v.appended
}

// takeToWrite takes what a write that begins now is to hold; commit ends it.
func (v *volume) takeToWrite() (store.Batch, uint64) {
	v.journal.writing = time.Now()
	return v.take()
}

// Fault is why the store does not work, or nil.
func (j *journal) Fault() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fault
}

// standing is how the store is, for info.
func (j *journal) standing() string {
	if err := j.Fault(); err != nil {
		return err.Error()
	}
	return protocol.StoreWorks
}

// serve writes until ctx is done, and then what waits.
func (j *journal) serve(ctx context.Context) error {
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return j.writeAll(ctx) })
	group.Go(func() error { return j.watchDisk(ctx) })
	return group.Wait()
}

// writeAll owns the writing: what one write holds was appended before what the
// next one does.
func (j *journal) writeAll(ctx context.Context) error {
	for ctx.Err() == nil {
		if j.Fault() != nil {
			if wake.Sleep(ctx, resumeEvery) == nil {
				j.resume(ctx)
			}
			continue
		}
		select {
		case <-ctx.Done():
		case <-j.wake:
			if j.Fault() == nil {
				j.write()
				j.catchUp(ctx)
			}
		}
	}
	if j.Fault() == nil {
		j.write()
	}
	return nil
}

// write writes what waits.
func (j *journal) write() {
	j.mu.Lock()
	v := j.volume
	if v == nil || v.voided || len(v.waiting.Answers) == 0 && v.waiting.Entries.Len() == 0 {
		j.mu.Unlock()
		return
	}
	b, last := v.takeToWrite()
	j.mu.Unlock()
	err := j.commit(b)
	j.mu.Lock()
	switch {
	case errors.Is(err, store.ErrEpoch):
		v.voided = true
	case err == nil && j.fault == nil:
		v.durable = last
	}
	j.mu.Unlock()
	wake.Signal(v.news).Set()
}

// commit commits a batch that was taken to be written. An error but that of an
// older epoch is a fault of the store.
func (j *journal) commit(b store.Batch) error {
	defer j.written()
	err := j.store.Commit(b)
	if err != nil && !errors.Is(err, store.ErrEpoch) {
		j.fail(err)
	}
	return err
}

func (j *journal) written() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.writing = time.Time{}
}

// Writing tells whether a write is under way.
func (j *journal) Writing() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.writing.IsZero()
}

// watchDisk takes a write that does not end for a fault.
func (j *journal) watchDisk(ctx context.Context) error {
	for wake.Sleep(ctx, stuckAfter/5) == nil {
		j.mu.Lock()
		stuck := !j.writing.IsZero() && time.Since(j.writing) > stuckAfter && j.fault == nil
		j.mu.Unlock()
		if stuck {
			j.fail(fmt.Errorf("the disk has not answered for %v", stuckAfter))
		}
	}
	return nil
}

// fail notes that the store does not work.
func (j *journal) fail(err error) {
	j.mu.Lock()
	known := j.fault != nil
	j.fault = err
	v := j.volume
	if v != nil {
		v.take()
		v.behind = true
		wake.Signal(v.news).Set()
	}
	j.mu.Unlock()
	wake.Signal(j.wake).Set()
	if known {
		return
	}
	j.log.Error("store does not work; own writes are refused until it does", "err", err)
	j.told(err)
}

func (j *journal) told(err error) {
	if j.tell != nil {
		j.tell(StoreEvent{Err: err})
	}
}

// resume tries the store again, and once it works writes the whole state, for
// what was left out is not known.
func (j *journal) resume(ctx context.Context) {
	if err := j.store.Resume(); err != nil {
		j.log.Debug("store does not work yet", "err", err)
		return
	}
	if err := j.facts(); err != nil {
		return
	}
	v := j.present()
	if v != nil && j.rewrite(ctx, v) != nil {
		return
	}
	j.mu.Lock()
	if j.volume != v {
		j.mu.Unlock()
		return // a new incarnation began meanwhile: it is its state that counts
	}
	j.fault = nil
	if v != nil {
		v.durable = v.appended
		wake.Signal(v.news).Set()
	}
	j.mu.Unlock()
	j.log.Info("store works again")
	j.told(nil)
}

func (j *journal) present() *volume {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.volume
}

// catchUp writes the whole state if some of what neighbours sent was left out.
func (j *journal) catchUp(ctx context.Context) {
	v := j.present()
	if v == nil || v.voided || !v.isBehind() {
		return
	}
	j.log.Info("store was slower than the network; the whole state is written")
	if err := j.rewrite(ctx, v); err != nil {
		j.log.Warn("the whole state was not written", "err", err)
	}
}

func (v *volume) isBehind() bool {
	v.journal.mu.Lock()
	defer v.journal.mu.Unlock()
	return v.behind
}

// rewrite writes the whole state and all answers, page by page. Each page is
// appended in the city's loop, so what is written after it is not older.
func (j *journal) rewrite(ctx context.Context, v *volume) error {
	v.set(func() { v.behind, v.rewriting = false, true })
	defer v.set(func() { v.rewriting = false })
	var at crdt.Cursor
	for more := true; more; {
		err := j.inLoop(ctx, func(core *city.Core) {
			var page crdt.Entries
			page, at, more = core.State().Page(at, city.PageBytesMax)
			v.appendPage(page, core, !more)
		})
		if err != nil {
			return err
		}
		j.mu.Lock()
		if j.volume != v {
			j.mu.Unlock()
			return errEnded
		}
		b, _ := v.takeToWrite()
		j.mu.Unlock()
		b.Lazy = more
		if err := j.commit(b); err != nil {
			v.set(func() { v.behind = true })
			return err
		}
	}
	return nil
}

func (v *volume) set(f func()) {
	v.journal.mu.Lock()
	defer v.journal.mu.Unlock()
	f()
}

// appendPage appends a page of the state, and with the last one the answers.
func (v *volume) appendPage(page crdt.Entries, core *city.Core, last bool) {
	v.journal.mu.Lock()
	defer v.journal.mu.Unlock()
	v.waiting.Entries.Heroes = append(v.waiting.Entries.Heroes, page.Heroes...)
	v.waiting.Entries.Tombstones = append(v.waiting.Entries.Tombstones, page.Tombstones...)
	if last {
		for _, a := range core.Answers() {
			v.waiting.Answers = append(v.waiting.Answers, storedAnswer(a))
		}
	}
}

// recordSize returns the bytes of the record's encoding.
func recordSize(r *crdt.Record) int {
	if r.Kind == crdt.KindTombstone {
		return crdt.TombstoneSize(r.Tombstone)
	}
	return crdt.HeroSize(r.Hero)
}
