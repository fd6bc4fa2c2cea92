package store

import (
	"fmt"
	"sync"
)

// Memory is a place for a store that lasts as long as the process: for tests. Its zero
// value is empty. It is as unkind as a disk: what was committed without a sync, or
// while the sync has not returned, shows, and is lost at a [Memory.Kill] or a failure.
type Memory struct {
	mu     sync.Mutex // guards the rest
	disk   memoryDisk
	owner  *Identity
	opened *memoryEngine // the present opening, or nil
	fault  error
	late   error         // with which the next write fails, though it reached the disk
	stall  chan struct{} // closed when writes may go on; nil: they may
}

// Fail has writes fail as if the disk did, with err, until it is called with nil.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
}

// FailAfterWrite has the next write reach the disk and fail all the same, as if the
// disk did what it was told and the word of that was lost.
func (m *Memory) FailAfterWrite(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late = err
}

// Stall has writes wait, as if the disk hung, until the function that it returns
// is called. What they write shows meanwhile.
func (m *Memory) Stall() (goOn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stall := make(chan struct{})
	m.stall = stall
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.stall = nil
		close(stall)
	}
}

// awaitDisk waits while writes are stalled. It does so without the lock, or nobody
// could let them go on.
func (m *Memory) awaitDisk() {
	m.mu.Lock()
	stall := m.stall
	m.mu.Unlock()
	if stall != nil {
		<-stall
	}
}

// Kill ends the process that has the store open, and the machine's power with it: the
// store acknowledges nothing more, and what is not durable is gone. The next opening
// finds the rest.
func (m *Memory) Kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.disk.forget()
	if m.opened != nil {
		m.opened.closed = true
		m.opened = nil
	}
}

// Open opens the store that lies there, and makes it the first time. Its errors
// are *[ForeignError] and *[LockedError], and that of [Memory.Fail] while it holds. Each
// opening is an engine of its own, so one that was killed cannot write for the next.
func (m *Memory) Open(cfg Config) (*Store, error) {
	return newStore(cfg, func() (engine, Recovered, error) {
		e, err := m.engine(cfg.Identity)
		return e, Recovered{}, err
	})
}

// engine opens, as a folder is opened: whose it is comes first, then whether it can be
// read, then whether somebody has it open.
func (m *Memory) engine(want Identity) (engine, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.owner == nil:
		m.owner = &want
		m.disk.sync(m.disk.write([]op{setEpoch(1)}))
	case *m.owner != want:
		return nil, &ForeignError{Dir: "in memory", Have: *m.owner, Want: want}
	case m.fault != nil:
		return nil, fmt.Errorf("open store in memory: %w", m.fault)
	case m.opened != nil:
		return nil, &LockedError{Dir: "in memory", Err: errOpened}
	}
	m.opened = &memoryEngine{m: m}
	return m.opened, nil
}
