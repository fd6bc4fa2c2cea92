package durable

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// Machine is a city's journal without a clock, a goroutine, a lock or a store. It
// has one owner and is not safe for concurrent use. The Writer steps it under a lock,
// from both of its goroutines, from the city's loop, from starts and from bombs.
type Machine struct {
	waitingBytesMax int
	epoch           store.Epoch     // the store's, as far as is known
	log             *incarnationLog // of the present incarnation; nil before the first
	job             job
	stopping        bool

	fault   error     // why the store does not work, or nil
	retryAt time.Time // when a store that failed, or a rewrite that failed, is tried again

	out []Effect // of the step that runs
}

// job is what the writer does. There is at most one at a time, so what one commit
// holds was appended before what the next one holds.
type job struct {
	kind        jobKind
	since       time.Time
	incarnation uint64      // whose batch is committed, or whose page is read
	number      uint64      // of the last effects that the batch holds
	page        bool        // the batch holds a page of a rewrite
	at          crdt.Cursor // of the page that is read
}

type jobKind uint8

const (
	idle jobKind = iota
	committing
	resuming
	readingPage
)

// NewMachine returns the journal of a city whose store has this epoch.
// waitingBytesMax bounds how many bytes of what neighbours sent may wait for the
// disk; zero means WaitingBytesMax.
func NewMachine(epoch store.Epoch, waitingBytesMax int) *Machine {
	if waitingBytesMax == 0 {
		waitingBytesMax = WaitingBytesMax
	}
	return &Machine{epoch: epoch, waitingBytesMax: waitingBytesMax}
}

// Step takes an event that happens at a time and returns what has to be done. The
// slice is valid until the next Step.
func (m *Machine) Step(now time.Time, e Event) []Effect {
	m.out = m.out[:0]
	switch e := e.(type) {
	case Started:
		m.started(now)
	case Begin:
		m.begin()
	case Append:
		m.append(e)
	case Free:
		m.free(now)
	case Committed:
		m.committed(now, e)
	case Resumed:
		m.resumed(now, e)
	case PageRead:
		m.pageRead(e)
	case PageFailed:
		m.pageFailed(now, e.Err)
	case Failed:
		m.fail(now, e.Err)
	case Raised:
		m.learnEpoch(e.Epoch)
	case Tick:
		m.tick(now)
	case Stop:
		m.stopping = true
	default:
		panic(fmt.Sprintf("durable: unknown event %T", e))
	}
	return m.out
}

func (m *Machine) do(e Effect) { m.out = append(m.out, e) }

// free gives the writer its next job. What waits goes before a rewrite, since
// callers wait for it; once a rewrite runs, it goes with the pages. A writer that stops
// writes what waits once more, and begins no rewrite: what was left out without a fault is
// what neighbours sent.
func (m *Machine) free(now time.Time) {
	if m.job.kind != idle {
		panic("durable: the writer asks for a job before its last one has ended")
	}
	l := m.log
	switch {
	case m.fault != nil && !m.rewriting():
		m.retry(now)
	case l == nil || m.voided(): // nothing may be written until the next incarnation begins
	case m.rewriting() && !m.stopping:
		m.goOnRewriting(now)
	case !l.isEmpty():
		m.commit(now, false)
	case l.behind && !m.stopping:
		m.catchUp(now)
	}
}

// Written returns how far what an incarnation appended has come.
func (m *Machine) Written(incarnation uint64) city.Written {
	if !m.isPresent(incarnation) {
		return city.Written{Fault: errEnded}
	}
	w := city.Written{Durable: m.log.durable, Tried: m.log.tried, Fault: m.fault}
	if m.voided() {
		w.Fault = errVoided
	}
	return w
}

// Appended returns the number of the last effects that were appended in the
// present incarnation.
func (m *Machine) Appended() uint64 { return m.log.appended }

// Fault returns why the store does not work, or nil.
func (m *Machine) Fault() error { return m.fault }

// Writing reports whether a commit is under way.
func (m *Machine) Writing() bool { return m.job.kind == committing }

// Incarnation returns the number of the present incarnation, which counts from 1;
// 0 before the first.
func (m *Machine) Incarnation() uint64 {
	if m.log == nil {
		return 0
	}
	return m.log.incarnation
}

// Epoch returns the epoch of what the present incarnation stores.
func (m *Machine) Epoch() store.Epoch { return m.log.epoch }

func (m *Machine) isPresent(incarnation uint64) bool {
	return m.log != nil && m.log.incarnation == incarnation
}
