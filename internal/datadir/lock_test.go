package datadir

import (
	"errors"
	"os"
	"testing"
)

func TestACityIsLockedOnce(t *testing.T) {
	folder := t.TempDir()
	lock, err := LockFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	_, err = LockFolder(folder)
	if locked, ok := errors.AsType[*LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("%v, want that process %d has the lock", err, os.Getpid())
	}
	lock.Release()
	if lock, err = LockFolder(folder); err != nil {
		t.Fatal(err)
	}
	lock.Release()
}
