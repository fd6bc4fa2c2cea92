package store

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers can ask for with errors.Is.
var (
	// ErrEpoch is returned by Commit for a batch of another epoch than the
	// store's: it was made before a bomb.
	ErrEpoch = errors.New("store: batch of another epoch")

	// ErrClosed is returned once Close was called.
	ErrClosed = errors.New("store: closed")

	// ErrCloseTimeout is returned when the disk did not let go in time.
	ErrCloseTimeout = errors.New("store: did not close in time, abandoned")

	// errHangs is the cause where the disk has not answered another call for closeWait.
	errHangs = errors.New("the disk does not answer")
)

// DownError says that the disk failed. It stands until Resume succeeds. What fails
// later follows from the first failure, and is not told.
type DownError struct {
	Err error // the first operation that failed, and its cause
}

func (e *DownError) Error() string { return fmt.Sprintf("store is down: %v", e.Err) }

// Unwrap returns the cause, for instance syscall.ENOSPC.
func (e *DownError) Unwrap() error { return e.Err }

// LockedError says that another process, or this one, has the store open.
type LockedError struct {
	Dir string
	Err error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("store %s is in use by another process: stop that one, or choose another folder: %v", e.Dir, e.Err)
}

// Unwrap returns what locking failed with.
func (e *LockedError) Unwrap() error { return e.Err }

// ForeignError says that the store is that of another city, network or peer.
type ForeignError struct {
	Dir        string
	Have, Want Identity
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("store %s is of %v, not of %v: choose another folder, or start as that city", e.Dir, e.Have, e.Want)
}

// NewerError says that the store was written by a newer program.
type NewerError struct {
	Dir        string
	Have, Want int // versions of the format
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("store %s has format %d, this program knows up to %d: use the newer program", e.Dir, e.Have, e.Want)
}

// NotStoreError says that a folder has files in it and is no store.
type NotStoreError struct {
	Dir   string
	Files []string // at most filesNamedMax of them
}

func (e *NotStoreError) Error() string {
	return fmt.Sprintf("folder %s is not a store and not empty (%s): choose another or an empty one", e.Dir, strings.Join(e.Files, ", "))
}

// HalfCreatedError says that making the store was cut off and that what is there
// cannot be made out; it is no part of what this city would have written. Nothing
// in it was ever acknowledged.
type HalfCreatedError struct {
	Dir string
	Err error // what is wrong with the identity
}

func (e *HalfCreatedError) Error() string {
	return fmt.Sprintf("store %s was never made to the end and holds nothing: remove it and start again: %v", e.Dir, e.Err)
}

// Unwrap returns what is wrong with the identity.
func (e *HalfCreatedError) Unwrap() error { return e.Err }

// CorruptError says that a file of the store is damaged, or has lost what the witness says
// was in it.
type CorruptError struct {
	File   string // its path
	Offset int64  // in bytes, -1 where not known
	Err    error
}

func (e *CorruptError) Error() string {
	at := ""
	if e.Offset >= 0 {
		at = fmt.Sprintf(" at offset %d", e.Offset)
	}
	return fmt.Sprintf("store is damaged: %s%s: %v: restore the folder from a copy, or move it away to start empty", e.File, at, e.Err)
}

// Unwrap returns the cause.
func (e *CorruptError) Unwrap() error { return e.Err }
