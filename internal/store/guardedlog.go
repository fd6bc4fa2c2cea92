package store

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// A logPrefix is the beginning of a log of Pebble. Logs are only appended to, so what
// was durable once stays as it was for as long as the log is there.
type logPrefix struct {
	log   uint64 // the log's number; none has 0
	bytes int64
	sum   uint32 // CRC-32C of these bytes
}

// logNumber returns the number of a log. ok is false for names that no log has.
func logNumber(name string) (number uint64, ok bool) {
	base, is := strings.CutSuffix(name, ".log")
	number, err := strconv.ParseUint(base, 10, 64)
	return number, is && err == nil
}

// logName returns the name that Pebble gives to the log of a number.
func logName(number uint64) string { return fmt.Sprintf("%06d.log", number) }

// A guardedLog is a log behind a guard. It follows what is written, and tells the guard
// after each sync how much of the log is durable. Pebble writes a log from its beginning to
// its end, also one that takes the place of an older log, with never more than one
// write or sync at a time.
type guardedLog struct {
	*guardedFile
	written logPrefix
}

func (l *guardedLog) Write(p []byte) (int, error) {
	l.g.do("write", l.path, func() error {
		// Before the write, for a file may do with p what it likes. After a write that fails
		// nobody knows how much was written; the guard closes, so no sync speaks of it.
		l.written.bytes += int64(len(p))
		l.written.sum = crc32.Update(l.written.sum, castagnoli, p)
		_, err := l.File.Write(p)
		return err
	})
	return len(p), nil
}

func (l *guardedLog) Sync() error {
	l.g.do("sync", l.path, func() error { return l.synced(l.File.Sync()) })
	return nil
}

func (l *guardedLog) SyncData() error {
	l.g.do("sync", l.path, func() error { return l.synced(l.File.SyncData()) })
	return nil
}

// synced tells the guard what is durable, unless the sync has failed.
func (l *guardedLog) synced(err error) error {
	if err == nil && l.written.bytes > 0 && l.g.logSynced != nil {
		l.g.logSynced(l.written)
	}
	return err
}
