package store

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Memory is a place for a store that lasts as long as the process: for tests, and for
// cities that need no disk. Its zero value is empty. It keeps the promises of a store
// in a folder, faults included: storetest has one suite for both.
type Memory struct {
	mu     sync.Mutex // guards the rest
	keys   map[string][]byte
	owner  *Identity
	opened bool
	fault  error
	late   error         // with which the next write fails, though it is applied
	stall  chan struct{} // closed when writes may go on; nil: they may
}

// Fail has writes fail as if the disk did, with err, until it is called with nil.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
}

// FailAfterWrite has the next write be applied and fail all the same, as if the
// disk did what it was told and the word of that was lost.
func (m *Memory) FailAfterWrite(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late = err
}

// Stall has writes wait, as if the disk hung, until the function that it returns
// is called.
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

// Open opens the store that lies there, and makes it the first time. Its errors
// are *[ForeignError] and *[LockedError].
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
		first := setEpoch(1)
		m.owner, m.keys = &want, map[string][]byte{string(first.key): first.value}
	case *m.owner != want:
		return nil, &ForeignError{Dir: "in memory", Have: *m.owner, Want: want}
	case m.fault != nil:
		return nil, fmt.Errorf("open store in memory: %w", m.fault)
	case m.opened:
		return nil, &LockedError{Dir: "in memory", Err: errOpened}
	}
	m.opened = true
	return &memoryEngine{m: m}, nil
}

// memoryEngine is one opening of a Memory.
type memoryEngine struct {
	m      *Memory
	closed bool       // guarded by m.mu
	down   *DownError // guarded by m.mu
}

func (e *memoryEngine) write(ops []op, _ bool) error {
	e.m.awaitDisk()
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	// The engine may have been closed, or have failed, while this write waited. One
	// that is down stays down, whatever becomes of the fault: Resume makes a new one.
	switch {
	case e.closed:
		return ErrClosed
	case e.down == nil && e.m.fault != nil:
		e.down = &DownError{Err: e.m.fault}
	}
	if e.down != nil {
		return e.down
	}
	for _, o := range ops {
		if o.end == nil {
			e.m.keys[string(o.key)] = o.value
			continue
		}
		maps.DeleteFunc(e.m.keys, func(key string, _ []byte) bool {
			return string(o.key) <= key && key < string(o.end)
		})
	}
	if e.m.late != nil {
		e.down = &DownError{Err: e.m.late}
		e.m.late = nil
		return e.down
	}
	return nil
}

func (e *memoryEngine) scan(from, to []byte, f func(key, value []byte) error) error {
	e.m.mu.Lock()
	// A copy, for f may take its time and must not hold writers up. The values are never
	// changed, only replaced.
	keys := maps.Clone(e.m.keys)
	closed := e.closed
	e.m.mu.Unlock()
	if closed {
		return ErrClosed
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if string(from) <= key && key < string(to) {
			if err := f([]byte(key), keys[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *memoryEngine) err() error {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	switch {
	case e.down != nil:
		return e.down
	case e.closed:
		return ErrClosed
	}
	return nil
}

func (e *memoryEngine) close(time.Time) error {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	// Also an engine that is down lets the place go, so that Resume can open it again.
	e.closed, e.m.opened = true, false
	return nil
}
