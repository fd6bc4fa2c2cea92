package operator

import (
	"errors"
	"os"
	"testing"
)

func TestACityIsLockedOnce(t *testing.T) {
	folder := t.TempDir()
	lock, err := LockCity(folder)
	if err != nil {
		t.Fatal(err)
	}
	_, err = LockCity(folder)
	if locked, ok := errors.AsType[*LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("%v, want that process %d has the lock", err, os.Getpid())
	}
	lock.Release()
	if lock, err = LockCity(folder); err != nil {
		t.Fatal(err)
	}
	lock.Release()
}
