package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/internal/wake"
)

// Config is what a Writer needs.
type Config struct {
	// Store is where the city is stored. The Writer does not close it. Required.
	Store *store.Store
	// Facts are stored again when the store works again. Required.
	Facts *Facts
	// InLoop runs f in the loop of the present incarnation, and fails if there is
	// none or ctx ends. Required.
	InLoop func(ctx context.Context, f func(*city.Core)) error
	// Fault, if set, is told that the store has failed, or with nil that it works
	// again.
	Fault func(err error)
	// Filled, if set, is told now and then how much of the store has been read.
	Filled func(Progress)
	// WaitingBytesMax bounds, in bytes, what neighbours sent that waits for the
	// disk. Default WaitingBytesMax.
	WaitingBytesMax int
	// Logger is required.
	Logger *slog.Logger
}

// Writer makes what a city does durable: the shell round a Machine. Its methods
// are safe for concurrent use, but for Begin and Fill, which the start of the city
// calls.
type Writer struct {
	cfg  Config
	wake wake.Signal // is set when the writing goroutine has to look again

	mu      sync.Mutex // guards machine, present
	machine *Machine
	present *incarnationJournal // of the present incarnation; nil before the first
}

// New returns a Writer whose Serve does not run yet.
func New(cfg Config) *Writer {
	return &Writer{
		cfg:     cfg,
		wake:    wake.NewSignal(),
		machine: NewMachine(cfg.Store.Epoch(), cfg.WaitingBytesMax),
	}
}

// Serve writes until ctx is done, and then what waits. It ends before ctx only
// with a panic, and may be called again after that.
func (w *Writer) Serve(ctx context.Context) error {
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return w.write(ctx) })
	group.Go(func() error { return w.watchDisk(ctx) })
	return group.Wait()
}

// write is the one goroutine that writes to the store. It asks the machine for one
// job after another.
func (w *Writer) write(ctx context.Context) error {
	w.step(Started{})
	for ctx.Err() == nil {
		w.carryOut(ctx, w.step(Free{}))
	}
	// ctx is done, but a commit does not look at it. The city has ended before, so this is
	// the last of what it did.
	w.step(Stop{})
	w.carryOut(ctx, w.step(Free{}))
	return nil
}

// carryOut does one job of the writing goroutine and tells the machine how it
// ended. With no job it waits until there may be one.
func (w *Writer) carryOut(ctx context.Context, job Effect) {
	switch job := job.(type) {
	case Commit:
		w.commit(job.Batch)
	case Resume:
		w.resume()
	case ReadPage:
		w.readPage(ctx, job)
	case Wait:
		w.await(ctx, time.Until(job.Until))
	case nil:
		select {
		case <-ctx.Done():
		case <-w.wake:
		}
	}
}

func (w *Writer) await(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-timer.C:
	}
}

func (w *Writer) commit(b store.Batch) {
	ended := Committed{Err: w.cfg.Store.Commit(b)}
	if errors.Is(ended.Err, store.ErrEpoch) {
		ended.Epoch = w.cfg.Store.Epoch()
	}
	w.step(ended)
}

// resume tries the store again. One that works is first given the facts, which it
// may have missed: a start goes on while the store is down, and its number must not be
// given twice. A store that does not take them does not work.
func (w *Writer) resume() {
	err := w.cfg.Store.Resume()
	if err == nil {
		err = w.cfg.Facts.Save()
	}
	if err != nil {
		w.cfg.Logger.Debug("store does not work yet", "err", err)
	}
	w.step(Resumed{Err: err, Epoch: w.cfg.Store.Epoch()})
}

// readPage reads a page of the state. The machine is told within the loop's turn. The
// writing goroutine waits for that turn; while it does, nothing is written.
func (w *Writer) readPage(ctx context.Context, job ReadPage) {
	err := w.cfg.InLoop(ctx, func(core *city.Core) {
		page := PageRead{Incarnation: job.Incarnation, At: job.At}
		page.Entries, page.Next, page.More = core.PageToStore(job.At, city.PageBytesMax)
		if !page.More {
			page.Answers = core.Answers()
		}
		w.step(page)
	})
	if err != nil {
		w.step(PageFailed{Err: err})
	}
}

// watchDisk has the machine look now and then whether a commit hangs. It is a goroutine
// of its own, for the writing one is then within the commit. Who waits hears of a disk
// that hangs after StuckAfter and a fifth of it at most.
func (w *Writer) watchDisk(ctx context.Context) error {
	ticker := time.NewTicker(StuckAfter / 5)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			w.step(Tick{})
		}
	}
}

// step gives the machine an event and carries out the effects, but for the job of
// the writing goroutine, which it returns; nil if there is none.
func (w *Writer) step(e Event) (job Effect) {
	for _, effect := range w.stepLocked(e) {
		switch effect := effect.(type) {
		case FaultBegan:
			// The warning is the node's, which tells of all problems alike, once.
			w.cfg.Logger.Debug("store does not work; own writes are refused until it does", "err", effect.Err)
			w.tellFault(effect.Err)
		case FaultEnded:
			w.cfg.Logger.Debug("store works again")
			w.tellFault(nil)
		case FellBehind:
			w.cfg.Logger.Info("store was slower than the network; the whole state is written")
		case StayedBehind:
			w.cfg.Logger.Warn("the whole state was not written", "err", effect.Err)
		default:
			job = effect
		}
	}
	return job
}

// stepLocked returns the effects that are to be carried out without the lock: logging and
// the program's callback may take their time, and the city's loop waits for this lock.
// The tokens of the others never wait, and are set under it, since it guards present.
func (w *Writer) stepLocked(e Event) (others []Effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, effect := range w.machine.Step(time.Now(), e) {
		switch effect.(type) {
		case Wake:
			w.wake.Set()
		case News:
			w.present.news.Set()
		default:
			others = append(others, effect)
		}
	}
	return others
}

func (w *Writer) tellFault(err error) {
	if w.cfg.Fault != nil {
		w.cfg.Fault(err)
	}
}

// Fault returns why the store does not work, or nil.
func (w *Writer) Fault() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machine.Fault()
}

func (w *Writer) writing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machine.Writing()
}

// Raise voids all that is stored but the facts, durably, and has the incarnation
// end that stored it. An error says whether the store may be voided all the same
// once it works again; then the incarnation ends at that time.
func (w *Writer) Raise() error {
	// A store that is known to be down refuses the bomb for certain: nothing was written.
	if err := w.cfg.Store.Err(); err != nil {
		return err
	}
	epoch, err := w.cfg.Store.Raise()
	if err != nil {
		w.step(Failed{Err: err})
		return fmt.Errorf("it may have been voided all the same, and then the city begins anew once the store works again: %w", err)
	}
	w.step(Raised{Epoch: epoch})
	return nil
}
