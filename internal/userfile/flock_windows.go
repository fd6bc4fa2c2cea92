package userfile

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockedByte is the one byte that is locked. Locks are mandatory here, so it
// lies behind whatever the file holds, which others may then read.
const lockedByte = 1 << 30

// TryLock takes the lock of an open file, alone or shared, without waiting. It
// reports whether it could. The lock ends with the file or the process.
func TryLock(f *os.File, shared bool) (bool, error) {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: lockedByte})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}
