package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/citynode/citynode/crdt"
)

// Epoch counts the times that all records were voided, from 1.
type Epoch uint64

// Facts are what a city knows of itself; a raise of the epoch keeps them.
type Facts struct {
	Since       crdt.Stamp // when the city first was
	Incarnation crdt.Stamp // the last one
}

// Answer is what a caller was answered; its bytes are the city's affair.
type Answer struct {
	Number uint64 // no two answers of an epoch have the same: it is their key
	Caller string
	Data   []byte
}

// Batch is what becomes durable together.
type Batch struct {
	Epoch   Epoch // of the state that it was made of
	Entries crdt.Entries
	Answers []Answer
	// Forgotten are the numbers of answers that are deleted. OnlyAnswers has all
	// deleted but those of the batch.
	Forgotten   []uint64
	OnlyAnswers bool
	Lazy        bool // do not sync: what others sent and can send again
}

// A Part is some of what Load hands out.
type Part struct {
	Entries crdt.Entries // at most partEntriesMax
	Answers []Answer     // at most partEntriesMax
	Loaded  int          // entries and answers so far, with this part
}

// Config says whose store it is.
type Config struct {
	Identity Identity
}

// Store keeps one city's state durable. It is safe for concurrent use. Open one
// with [Open] or [Memory.Open].
type Store struct {
	open func() (engine, Recovered, error)
	// turn holds a token while epoch, facts or engine change. It is no mutex, for its
	// holder waits for the disk.
	turn  chan struct{}
	state atomic.Pointer[present]
	// abandoned is set by a Close that did not get its turn. Whoever has the turn then
	// leaves no engine behind that works.
	abandoned atomic.Bool
}

// present is what a store is at a time. It is never changed, only replaced. A commit
// goes on with the one that it began with; if the epoch rises meanwhile, what it writes
// is of an old one and deleted at the next start.
type present struct {
	engine    engine
	epoch     Epoch
	facts     Facts
	recovered Recovered
}

// newStore opens the engine and reads what is kept of epoch and facts.
func newStore(cfg Config, open func() (engine, Recovered, error)) (*Store, error) {
	s := &Store{open: open, turn: make(chan struct{}, 1)}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

// start makes the engine's state the present one.
func (s *Store) start() error {
	e, recovered, err := s.open()
	if err != nil {
		return err
	}
	epoch, facts, err := readState(e)
	if err == nil {
		// What a crash left undeleted goes now. It need not be durable: it would go
		// again.
		err = e.write(voided(epoch), false)
	}
	if err != nil {
		_ = e.close(time.Now().Add(closeWait))
		return err
	}
	s.become(present{engine: e, epoch: epoch, facts: facts, recovered: recovered})
	return nil
}

// Commit makes a batch durable before it returns, unless the batch is lazy.
// Concurrent callers share a sync. A batch of another epoch is refused with
// ErrEpoch and an invalid one with the reason, and nothing of it is written. After
// a failure of the disk the error is a *[DownError], and the batch is kept wholly
// or not at all.
func (s *Store) Commit(b Batch) error {
	p := s.state.Load() // without the turn, or callers could not share a sync
	if b.Epoch != p.epoch {
		return fmt.Errorf("%w: %d, the store's is %d", ErrEpoch, b.Epoch, p.epoch)
	}
	// Load reads strictly, so what is invalid would keep the city from its next start.
	if err := b.Entries.Validate(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return p.engine.write(batchOps(b), !b.Lazy)
}

// Raise voids all records and answers, durably, and returns the new epoch. After
// a *[DownError] it may or may not have happened; Epoch says so after Resume. The error
// is also a *[DownError] where another call has waited for the disk for closeWait: then
// nothing has happened.
func (s *Store) Raise() (Epoch, error) {
	giveBack, err := s.takeTurn(time.Now().Add(closeWait))
	if err != nil {
		return 0, err
	}
	defer giveBack()
	p := *s.state.Load()
	// p is a copy: commits that run go on with the former one.
	p.epoch++
	ops := append([]op{setEpoch(p.epoch)}, voided(p.epoch)...)
	if err := p.engine.write(ops, true); err != nil {
		return 0, err
	}
	s.become(p)
	return p.epoch, nil
}

// SetFacts keeps the facts, durably, whatever the epoch: a city that was bombed still has
// its name since when it had it. After an error the store may have them or not, and Facts
// returns the former ones. Its errors are those of Raise.
func (s *Store) SetFacts(f Facts) error {
	giveBack, err := s.takeTurn(time.Now().Add(closeWait))
	if err != nil {
		return err
	}
	defer giveBack()
	p := *s.state.Load()
	if err := p.engine.write([]op{setFacts(f)}, true); err != nil {
		return err
	}
	p.facts = f
	s.become(p)
	return nil
}

// Facts returns the facts last set, zero before. Facts, Epoch, Recovered and Err never wait
// for the disk.
func (s *Store) Facts() Facts { return s.state.Load().facts }

// Epoch returns the present epoch.
func (s *Store) Epoch() Epoch { return s.state.Load().epoch }

// Recovered returns what the last opening had to repair.
func (s *Store) Recovered() Recovered { return s.state.Load().recovered }

// Err returns nil while the store works, a *[DownError] after the disk failed, and
// ErrClosed after Close.
func (s *Store) Err() error { return s.state.Load().engine.err() }

// Load hands out all that the present epoch holds, entries first, in parts, and
// ends with ctx or the first error of f. It is for the start; what is committed
// meanwhile may be handed out or not. What cannot be read is a *[CorruptError]. f
// must not use the store.
func (s *Store) Load(ctx context.Context, f func(Part) error) error {
	p := s.state.Load()
	l := loader{ctx: ctx, hand: f}
	if err := l.records(p.engine, p.epoch); err != nil {
		return fmt.Errorf("load entries: %w", err)
	}
	if err := l.answers(p.engine, p.epoch); err != nil {
		return fmt.Errorf("load answers: %w", err)
	}
	return nil
}

// Resume opens a store anew that is down, and does nothing to one that works. It fails
// as Open does, and the store is down still then. What was lazy or not acknowledged may
// be missing, so the caller commits its state again. A closed store stays closed. Where
// calls that run do not let go of the disk, Resume fails after closeWait with a
// *[DownError] or with ErrCloseTimeout. Only the opening itself has no such bound.
func (s *Store) Resume() error {
	by := time.Now().Add(closeWait)
	giveBack, err := s.takeTurn(by)
	if err != nil {
		return err
	}
	defer giveBack()
	e := s.state.Load().engine
	if err := e.err(); err == nil || err == ErrClosed { //nolint:errorlint // it is never wrapped by an engine
		return err
	}
	// The lock of the folder must be free before it is opened again.
	if err := e.close(by); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	return s.Err() // a Close may not have waited for this
}

// Close ends the store. It waits for whatever uses the store, commits and loads, raises,
// facts and a Resume, at most closeWait in all. After that it abandons them with
// ErrCloseTimeout: the store is closed for all who come later, and what hangs in the disk
// holds the folder until the process ends.
func (s *Store) Close() error { return s.closeBy(time.Now().Add(closeWait)) }

func (s *Store) closeBy(by time.Time) error {
	giveBack, err := s.takeTurn(by)
	if err != nil {
		s.abandoned.Store(true)
		_ = s.end(by) // which has passed, so it does not wait
		return ErrCloseTimeout
	}
	defer giveBack()
	if s.Err() == ErrClosed { //nolint:errorlint // it is never wrapped by an engine
		return nil
	}
	return s.end(by)
}

// become makes p the present state. Close sets abandoned before it looks for the engine,
// and here the engine is set before the look: one of the two closes it.
func (s *Store) become(p present) {
	s.state.Store(&p)
	if s.abandoned.Load() {
		_ = s.end(time.Now())
	}
}

// end closes the engine.
func (s *Store) end(by time.Time) error {
	p := *s.state.Load()
	err := p.engine.close(by)
	p.engine = closedEngine{}
	s.state.Store(&p)
	return err
}

// takeTurn waits for the turn and returns what gives it back. The holder may wait for the
// disk, and all who come wait with it, until that time. Then the disk counts as down for
// them.
func (s *Store) takeTurn(by time.Time) (giveBack func(), err error) {
	late := time.NewTimer(time.Until(by))
	defer late.Stop()
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-late.C:
		return nil, &DownError{Err: errHangs}
	}
}
