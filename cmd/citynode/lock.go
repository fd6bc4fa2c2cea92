package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const cityLockName = "lock"

// cityLock keeps a city from running twice on one machine. It ends with the
// process, however that ends.
type cityLock struct{ file *os.File }

// lockCity takes the lock of a city's folder, or says which process has it.
func lockCity(folder, network, city string) (*cityLock, error) {
	path := filepath.Join(folder, cityLockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock city %s: %w", city, err)
	}
	free, err := tryLock(f, false)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock city %s by %s: %w", city, path, err)
	}
	if !free {
		defer f.Close()
		return nil, failf(exitRefused, "city %s of network %s already runs on this machine%s", city, network, holderOf(f)).
			withHint("stop it first, or choose another name")
	}
	lock := &cityLock{file: f}
	lock.sign()
	return lock, nil
}

// sign leaves the process id for whoever finds the lock taken. It is only for
// reading: not to have it is no error.
func (l *cityLock) sign() {
	if err := l.file.Truncate(0); err == nil {
		_, _ = l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

// release gives the lock back. The file stays: removing it could take it from
// under the next one.
func (l *cityLock) release() { l.file.Close() }

func holderOf(f *os.File) string {
	b := make([]byte, 16)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}
