package backup

import (
	"errors"
	"fmt"
)

// ErrNotBackup is returned for a stream that does not begin as a backup does.
var ErrNotBackup = errors.New("this is no backup of citynode")

// A VersionError says that a file was made by a later version of citynode.
type VersionError struct {
	Have uint32 // the version of the file's format
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the file was made by a later version of citynode: its format is %d, and this one reads up to %d", e.Have, Version)
}

// A CutError says that a file ends before its end: it was cut off, or is being written
// still.
type CutError struct {
	Bytes int64 // that the file has
}

func (e *CutError) Error() string {
	return fmt.Sprintf("the file is cut off: it ends after %d bytes, and that is not its end", e.Bytes)
}

// A DamagedError says that a file is not as it was written.
type DamagedError struct {
	At  int64 // the frame or sum that is wrong begins there, in bytes; the damage may lie before it
	Err error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the file is damaged: what begins at byte %d: %v", e.At, e.Err)
}

// Unwrap returns what is wrong.
func (e *DamagedError) Unwrap() error { return e.Err }
