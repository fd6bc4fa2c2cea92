package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Tags of the fields that an edit in a manifest of Pebble begins with, and the only ones
// that are read here. Package manifest within Pebble has the source; witness_test.go
// flushes real logs, and fails if the form changes.
const (
	editComparator = 1 // a string, in the first edit of a manifest
	editLogNumber  = 2
)

// Testimony is what the file witness says of a store.
type Testimony struct {
	Log   string // the name of a log of the database; empty if there is no witness
	Bytes int64  // how much of that log was durable
	// Outdated says that the log is not there any more, and rightly: what it held is in
	// tables. So the witness says nothing.
	Outdated bool
}

// testify holds the database against the witness. damage is a *CorruptError if a log
// that counts has less than what was durable, or something else.
//
// No crash leaves such a log. What the witness says was durable before it was written;
// Pebble removes a log, or uses its file again, only once the manifest says durably that the
// log does not count; and nothing else shortens one. So neither an old witness nor a program
// that knows of none makes a folder look damaged.
func testify(disk vfs.FS, f folder) (t Testimony, damage, err error) {
	text, err := readFile(disk, f.path(witnessName), witnessBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil, nil
	}
	if err != nil {
		return t, nil, fmt.Errorf("read store: %w", err)
	}
	p, ok := parseWitness(text)
	if !ok {
		return t, nil, nil
	}
	t = Testimony{Log: logName(p.log), Bytes: p.bytes}
	database := f.path(databaseName)
	path := disk.PathJoin(database, t.Log)
	if damage, err = p.check(disk, path); damage == nil || err != nil {
		return t, nil, err
	}
	first, ok, err := firstLog(disk, database)
	if !ok || err != nil || p.log < first {
		t.Outdated = ok && p.log < first
		return t, nil, err
	}
	return t, damage, nil
}

// check returns a *CorruptError as damage unless a log begins with the prefix.
func (p logPrefix) check(disk vfs.FS, path string) (damage, err error) {
	f, err := disk.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p.missing(path, 0, "it is gone"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	n, err := io.CopyN(sum, f, p.bytes)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read store: %w", err)
	case err == nil && sum.Sum32() == p.sum:
		return nil, nil
	}
	return p.locate(disk, path, n)
}

// locate returns the damage of a log of which n bytes were read, with the end of its
// last whole record.
func (p logPrefix) locate(disk vfs.FS, path string, n int64) (damage, err error) {
	text, err := readFile(disk, path, min(n, logFileBytesMax))
	if err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	_, end, _ := whole(text, p.log)
	return p.missing(path, end, fmt.Sprintf("it holds whole records up to %d bytes", end)), nil
}

// missing returns the damage of a log that does not begin with the prefix.
func (p logPrefix) missing(path string, offset int64, what string) *CorruptError {
	return &CorruptError{File: path, Offset: offset, Err: fmt.Errorf(
		"%s, and the file %s says that it was durable up to %d bytes; commits of the second after that may be missing as well",
		what, witnessName, p.bytes)}
}

// firstLog returns the number of the first log that counts, by the manifest that counts.
// ok is false where that cannot be read.
func firstLog(disk vfs.FS, database string) (number uint64, ok bool, err error) {
	names, err := disk.List(database)
	if err != nil {
		return 0, false, fmt.Errorf("read store %s: %w", database, err)
	}
	name, ok := manifestOf(names)
	if !ok {
		return 0, false, nil
	}
	text, err := readFile(disk, disk.PathJoin(database, name), logFileBytesMax)
	if err != nil {
		return 0, false, fmt.Errorf("read store: %w", err)
	}
	number, ok = lastLogNumber(text)
	return number, ok, nil
}

// lastLogNumber returns the number in the last edit of a manifest that has one: of the
// first log whose records are not all in tables. ok is false where none has.
func lastLogNumber(manifest []byte) (number uint64, ok bool) {
	r := reader(record.NewReader, manifest, 0)
	for {
		edit, err := r.Next()
		if err != nil {
			return number, ok // the end, or what Pebble takes for it
		}
		text, err := io.ReadAll(edit)
		if err != nil {
			return number, ok
		}
		if n, has := editedLogNumber(text); has {
			number, ok = n, true
		}
	}
}

// editedLogNumber returns the log's number of an edit. It comes first, or after the name
// of a comparator.
func editedLogNumber(edit []byte) (number uint64, has bool) {
	r := bytes.NewReader(edit)
	tag, err := binary.ReadUvarint(r)
	if err == nil && tag == editComparator {
		length, _ := binary.ReadUvarint(r)
		if length > uint64(r.Len()) {
			return 0, false
		}
		_, _ = r.Seek(int64(length), io.SeekCurrent)
		tag, err = binary.ReadUvarint(r)
	}
	if err != nil || tag != editLogNumber {
		return 0, false
	}
	number, err = binary.ReadUvarint(r)
	return number, err == nil
}
