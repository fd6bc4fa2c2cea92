package durable

import (
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// Event is something that happened to the journal.
type Event interface{ event() }

type (
	// Started says that the writer runs. One that ran before has ended, in the
	// middle of a write perhaps: with a panic, after which its supervisor starts it anew.
	Started struct{}

	// Begin begins a new incarnation, and ends the one before.
	Begin struct{}

	// Append gives the effects of one message of an incarnation. They are read before
	// Step returns, and none of their slices is kept.
	Append struct {
		Incarnation uint64
		Effects     city.Effects
	}

	// Free says that the writer has nothing to do. The answer is at most one of
	// Commit, Resume, ReadPage and Wait; with none of them the writer waits for a
	// Wake.
	Free struct{}

	// Committed says how a commit ended. Epoch is the store's, if it refused the
	// batch with [store.ErrEpoch].
	Committed struct {
		Err   error
		Epoch store.Epoch
	}

	// Resumed says whether the store works again, and which epoch it then has.
	Resumed struct {
		Err   error
		Epoch store.Epoch
	}

	// PageRead gives a page of an incarnation's state. It has to happen in the
	// turn of the incarnation's loop that read the page, so that effects appended
	// later are not older than the page.
	PageRead struct {
		Incarnation uint64
		At, Next    crdt.Cursor
		Entries     crdt.Entries
		More        bool
		Answers     []city.Answered // with the last page: all that are remembered
	}

	// PageFailed says that the page could not be read: the incarnation has ended,
	// or does not serve yet.
	PageFailed struct{ Err error }

	// Failed says that somebody else found the store not to work: a start, a read at a
	// start, or a bomb. There need not be a commit that would find it out.
	Failed struct{ Err error }

	// Raised says that a bomb raised the store's epoch.
	Raised struct{ Epoch store.Epoch }

	// Tick lets the machine look whether a commit takes too long.
	Tick struct{}

	// Stop says that the city has ended: what waits is written once more, and
	// nothing is tried again.
	Stop struct{}
)

func (Started) event()    {}
func (Begin) event()      {}
func (Append) event()     {}
func (Free) event()       {}
func (Committed) event()  {}
func (Resumed) event()    {}
func (PageRead) event()   {}
func (PageFailed) event() {}
func (Failed) event()     {}
func (Raised) event()     {}
func (Tick) event()       {}
func (Stop) event()       {}

// Effect is something that the shell has to do.
type Effect interface{ effect() }

type (
	// Wake has the writer say that it is Free, if it waits.
	Wake struct{}

	// News has the present incarnation look at Written. It may come more often than
	// Written changes, and several may be taken for one.
	News struct{}

	// Commit has the writer commit a batch; Committed answers it.
	Commit struct{ Batch store.Batch }

	// Resume has the writer try a store again that failed; Resumed answers it.
	Resume struct{}

	// ReadPage has the writer read a page in the loop of an incarnation; PageRead
	// or PageFailed answers it.
	ReadPage struct {
		Incarnation uint64
		At          crdt.Cursor
	}

	// Wait has the writer say that it is Free at that time, or at a Wake. It is no job:
	// effects that are appended meanwhile have to be written, if there is no fault.
	Wait struct{ Until time.Time }

	// FaultBegan tells that the store does not work.
	FaultBegan struct{ Err error }

	// FaultEnded tells that the store works again.
	FaultEnded struct{}

	// FellBehind tells that the whole state is going to be written, because some
	// of what neighbours sent was left out.
	FellBehind struct{}

	// StayedBehind tells that the whole state could not be written. It is tried
	// again after ResumeEvery.
	StayedBehind struct{ Err error }
)

func (Wake) effect()         {}
func (News) effect()         {}
func (Commit) effect()       {}
func (Resume) effect()       {}
func (ReadPage) effect()     {}
func (Wait) effect()         {}
func (FaultBegan) effect()   {}
func (FaultEnded) effect()   {}
func (FellBehind) effect()   {}
func (StayedBehind) effect() {}
