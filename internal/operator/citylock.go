package operator

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// CityLockName is the name of the lock file in a city's folder.
const CityLockName = "lock"

// A LockedError says that another process has the lock of a city's folder.
type LockedError struct {
	PID int // 0: not known
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return "another process has the lock"
	}
	return fmt.Sprintf("process %d has the lock", e.PID)
}

// A CityLock keeps a city from running twice on one machine. It ends with the
// process, however that ends.
type CityLock struct{ file *os.File }

// LockCity takes the lock of a city's folder. The error is a *[LockedError] if
// another process has it.
func LockCity(folder string) (*CityLock, error) {
	path := filepath.Join(folder, CityLockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	free, err := tryLock(f, false)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("take %s: %w", path, err)
	}
	if !free {
		defer f.Close()
		return nil, &LockedError{PID: holderOf(f)}
	}
	lock := &CityLock{file: f}
	lock.sign()
	return lock, nil
}

// sign leaves the process id for whoever finds the lock taken. It is only for
// reading: not to have it is no error.
func (l *CityLock) sign() {
	if err := l.file.Truncate(0); err == nil {
		_, _ = l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

// Release gives the lock back. The file stays: removing it could take it from
// under the next holder.
func (l *CityLock) Release() { l.file.Close() }

// holderOf returns the process that has signed a lock, 0 if none has.
func holderOf(f *os.File) int {
	b := make([]byte, 16)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return 0
	}
	return pid
}
