package datadir

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/citynode/citynode/internal/userfile"
)

// LockName is the name of the lock file in a city's folder.
const LockName = "lock"

// A LockedError says that another node has the lock of a city's folder.
type LockedError struct {
	Folder string
	PID    int // of the other node's process; 0: not known
}

// Error says which process has the lock.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return e.Folder + " is in use by another node"
	}
	return fmt.Sprintf("%s is in use by another node (process %d)", e.Folder, e.PID)
}

// A Lock keeps two nodes from using one folder. It ends with the process, however
// that ends.
type Lock struct {
	file *os.File // nil: nothing had to be locked
}

// LockFolder takes the lock of a city's folder. The error is a *[LockedError] if
// another node has it, in this process or another.
func LockFolder(folder string) (*Lock, error) {
	path := filepath.Join(folder, LockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	free, err := userfile.TryLock(f, false)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("take %s: %w", path, err)
	}
	if !free {
		defer f.Close()
		return nil, &LockedError{Folder: folder, PID: holderOf(f)}
	}
	lock := &Lock{file: f}
	lock.sign()
	return lock, nil
}

// sign leaves the process id for whoever finds the lock taken. It is only for a person to
// read: the lock is the system's, on the open file, so not to have it is no error, and
// that of a process which has died locks nobody out.
func (l *Lock) sign() {
	if err := l.file.Truncate(0); err == nil {
		_, _ = l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

// Release gives the lock back. The file stays: to remove it could take it from under
// the next holder.
func (l *Lock) Release() {
	if l.file != nil {
		l.file.Close()
	}
}

// holderOf returns the process that has signed a lock, 0 if none has.
func holderOf(f *os.File) int {
	b := make([]byte, 16) // a process id has at most 10 digits
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return 0
	}
	return pid
}
