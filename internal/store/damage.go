package store

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// blockOffset is in Pebble's message of a block that does not match its checksum:
// offset and length. The text is no promise of Pebble's; where it changes, an error
// only lacks the offset.
var blockOffset = regexp.MustCompile(`block (\d+)/\d+`)

// damaged makes an error of reading a *CorruptError if damage is its cause.
func damaged(err error) error {
	if err == nil || !pebble.IsCorruptionError(err) {
		return err
	}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		return corruptFile(info.Path, info.Details)
	}
	return corruptFile("db", err)
}

// corruptFile returns the error for a table that Pebble could not read.
func corruptFile(path string, err error) *CorruptError {
	offset := int64(-1)
	if m := blockOffset.FindStringSubmatch(err.Error()); m != nil {
		offset, _ = strconv.ParseInt(m[1], 10, 64)
	}
	return &CorruptError{File: path, Offset: offset, Err: err}
}

// asCorrupt returns the error of opening a store that was whole. What fails there other
// than by the operating system is damage, and so is a file that is missing. A disk that
// refuses, say for want of rights, is another matter: a copy of the folder does not
// help.
func asCorrupt(path string, err error) error {
	if _, known := errors.AsType[*CorruptError](err); known {
		return err
	}
	if _, system := errors.AsType[syscall.Errno](err); system && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open store %s: %w", path, err)
	}
	return corruptFile(path, err)
}
