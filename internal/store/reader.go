package store

import (
	"context"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// An Ending is how the city that had the store has ended it, by what it left.
type Ending struct {
	// Log is the newest log of the database, and Bytes how much of it has records.
	Log   string
	Bytes int64
	// Unwitnessed is how much of Bytes the file witness does not say to have been durable:
	// what was written within the last second. Zero after a clean end.
	Unwitnessed int64
	// TornBytes follow that hold no whole record. Nothing of them was acknowledged.
	TornBytes int64
}

// Clean reports whether the store was closed, or nothing had been written to it for a
// second when its process ended, which comes to the same.
func (e Ending) Clean() bool { return e.Unwitnessed == 0 && e.TornBytes == 0 }

// A Reader reads a store, and changes nothing in its folder, which may be on a medium that
// cannot be written to. The log of the last city is read into memory. It is for one
// goroutine.
type Reader struct {
	identity Identity
	ending   Ending
	epoch    Epoch
	db       readEngine
	lock     *pebble.Lock // nil: it could not be taken, for nothing can be written there
}

// OpenReader opens the store in a folder for reading. Close ends it. It takes the lock of the
// database, so that no city starts meanwhile, unless the medium cannot be written to: who
// could then change anything is for the caller to know. Its errors are those of [Open].
func OpenReader(dir string) (*Reader, error) { return openReader(vfs.Default, dir) }

func openReader(disk vfs.FS, dir string) (*Reader, error) {
	f := folder{fs: disk, dir: dir}
	id, err := f.read()
	if err != nil {
		return nil, err
	}
	r := &Reader{identity: id}
	database := f.path(databaseName)
	if _, err := disk.Stat(database); err != nil {
		return nil, asCorrupt(database, err)
	}
	if r.lock, err = lockIfWritable(disk, database); err != nil {
		return nil, err
	}
	if err = r.open(f); err != nil {
		return nil, errors.Join(err, r.unlock())
	}
	return r, nil
}

// open looks at logs and manifest first, as Open does.
func (r *Reader) open(f folder) error {
	database := f.path(databaseName)
	damage, torn, err := inspect(f.fs, database)
	var said Testimony
	if err == nil && damage == nil {
		said, damage, err = testify(f.fs, f)
	}
	if err = errors.Join(err, damage); err != nil {
		return err
	}
	if r.ending, err = endingOf(f.fs, database, torn, said); err != nil {
		return err
	}
	if r.db.db, err = openToRead(f.fs, database); err != nil {
		return asCorrupt(database, err)
	}
	if r.epoch, _, err = readState(r.db); err != nil {
		return errors.Join(err, closeDB(r.db.db))
	}
	return nil
}

// endingOf compares the newest log with what the witness says.
func endingOf(disk vfs.FS, database string, torn Recovered, said Testimony) (e Ending, err error) {
	names, err := disk.List(database)
	if err != nil {
		return e, err
	}
	var number uint64
	if e.Log, number = newestLog(names); e.Log == "" {
		return e, nil
	}
	text, err := readFile(disk, disk.PathJoin(database, e.Log), logFileBytesMax)
	if err != nil {
		return e, err
	}
	_, e.Bytes, _ = whole(text, number)
	e.TornBytes = torn.DroppedBytes
	e.Unwitnessed = e.Bytes
	if said.Log == e.Log {
		e.Unwitnessed = max(e.Bytes-said.Bytes, 0)
	}
	return e, nil
}

// Identity returns whose store it is.
func (r *Reader) Identity() Identity { return r.identity }

// Ending returns how the city that had the store has ended it.
func (r *Reader) Ending() Ending { return r.ending }

// Entries hands out all entries of the present epoch in parts, by ascending ID, heroes and
// tombstones among each other, and ends with ctx or the first error of f. It may be called
// again, and hands out the same. What cannot be read is a *[CorruptError].
func (r *Reader) Entries(ctx context.Context, f func(Part) error) error {
	l := loader{ctx: ctx, hand: f}
	return l.records(r.db, r.epoch)
}

// Close ends the reading.
func (r *Reader) Close() error { return errors.Join(closeDB(r.db.db), r.unlock()) }

func (r *Reader) unlock() error {
	if r.lock == nil {
		return nil
	}
	return r.lock.Close()
}

// readEngine is a database that is only read.
type readEngine struct{ db *pebble.DB }

func (readEngine) write([]op, bool) error { return pebble.ErrReadOnly }

func (e readEngine) scan(from, to []byte, f func(key, value []byte) error) error {
	stopped, err := scanDB(e.db, from, to, f)
	return errors.Join(err, stopped)
}

func (readEngine) err() error { return nil }

func (e readEngine) close(time.Time) error { return closeDB(e.db) }
