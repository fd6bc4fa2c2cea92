package store

import "time"

// engine is an ordered map from keys to values that outlives a crash. Its methods
// are safe for concurrent use.
type engine interface {
	// write applies all of ops or none; with sync it is durable on return.
	write(ops []op, sync bool) error
	// scan calls f for the keys in [from, to) in order, until f fails. Neither
	// slice is to be kept.
	scan(from, to []byte, f func(key, value []byte) error) error
	// err is nil while the engine works, a *DownError after a failure, and
	// ErrClosed after close.
	err() error
	// close ends the engine; of one that is down it only waits for the end. It waits
	// until the time by at most, and returns ErrCloseTimeout then. For later calls the
	// engine is closed all the same.
	close(by time.Time) error
}

// op sets a key, deletes it if value is nil, or deletes all keys in [key, end) if end is
// not nil. The bytes are the engine's from the write on: nobody changes them any more.
type op struct {
	key, value, end []byte
}

// Recovered is what an opening had to repair.
type Recovered struct {
	File         string // the log whose end was torn, empty if none was
	Offset       int64  // where its last whole record ends, in bytes
	DroppedBytes int64  // that followed and held no whole record
	Records      int    // batches in that log that were kept
}

// closedEngine stands in for an engine that was closed.
type closedEngine struct{}

func (closedEngine) write([]op, bool) error { return ErrClosed }

func (closedEngine) scan(_, _ []byte, _ func(key, value []byte) error) error { return ErrClosed }

func (closedEngine) err() error { return ErrClosed }

func (closedEngine) close(time.Time) error { return nil }
