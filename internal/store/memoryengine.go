package store

import (
	"maps"
	"slices"
	"time"
)

// memoryEngine is one opening of a Memory.
type memoryEngine struct {
	m      *Memory
	closed bool       // guarded by m.mu
	down   *DownError // guarded by m.mu
}

func (e *memoryEngine) write(ops []op, sync bool) error {
	number, err := e.begin(ops)
	if err != nil {
		return err
	}
	e.m.awaitDisk()
	return e.finish(number, sync)
}

// begin shows what ops do.
func (e *memoryEngine) begin(ops []op) (number uint64, err error) {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	if err := e.usable(); err != nil {
		return 0, err
	}
	return e.m.disk.write(ops), nil
}

// finish makes a write durable, if it is to be synced and the disk works still. A kill or a
// failure while the write waited for the disk takes it: nobody was told that it is there.
func (e *memoryEngine) finish(number uint64, sync bool) error {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	if sync || e.m.late != nil {
		e.m.disk.sync(number)
	}
	if e.m.late != nil {
		e.down = &DownError{Err: e.m.late}
		e.m.late = nil
		return e.down
	}
	return nil
}

// usable returns why nothing can be written. The first write to a disk that fails
// notices it. The caller holds m.mu.
func (e *memoryEngine) usable() error {
	if !e.closed && e.down == nil && e.m.fault != nil {
		e.down = &DownError{Err: e.m.fault}
	}
	return e.state()
}

// state is err for a caller that holds m.mu.
func (e *memoryEngine) state() error {
	switch {
	case e.down != nil:
		return e.down
	case e.closed:
		return ErrClosed
	}
	return nil
}

// scan goes through a copy, in the order of the keys, which is Pebble's too: f may take
// its time, and writes go on meanwhile.
func (e *memoryEngine) scan(from, to []byte, f func(key, value []byte) error) error {
	e.m.mu.Lock()
	keys, err := maps.Clone(e.m.disk.now), e.state()
	e.m.mu.Unlock()
	if err != nil {
		return err
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
	return e.state()
}

// close makes all durable, unless the disk has failed: then a crash could have left no
// less than it holds.
func (e *memoryEngine) close(time.Time) error {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	if e.m.opened != e {
		return nil
	}
	if e.usable() == nil {
		e.m.disk.sync(e.m.disk.written)
	} else {
		e.m.disk.forget()
	}
	e.closed, e.m.opened = true, nil
	return nil
}
