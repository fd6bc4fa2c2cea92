package store

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// closeWait is how long closing waits for the disk, and a call for another that has its
// turn; a disk that does not answer for so long may never. It is twice the time after
// which the city takes a commit for hanging (internal/durable), so that a disk which was
// only slow is still waited for.
const closeWait = 10 * time.Second

// tuning are the sizes that tests make small.
type tuning struct {
	memTableBytes uint64
	witnessPause  time.Duration
}

// The city's state is in memory already, so the caches are small: the database is read at
// a start and by the merging of its tables. The log is as long as one memtable, and is
// read at a start.
const (
	memTableBytes = 32 << 20
	cacheBytes    = 8 << 20
	openFilesMax  = 64
)

// Open opens the store in a folder, and makes it if the folder is empty or is not
// there. Its errors are *[LockedError], *[ForeignError], *[NewerError],
// *[NotStoreError], *[HalfCreatedError], *[CorruptError], and *[DownError] with the
// cause, for instance syscall.ENOSPC. All but the last leave the folder as it was,
// save that damage to a table shows once the database is open, which adds files to
// it and removes none.
func Open(dir string, cfg Config) (*Store, error) {
	return openOn(vfs.Default, dir, cfg, tuning{memTableBytes: memTableBytes, witnessPause: witnessPause})
}

// OpenOn does what Open does, in a folder of another file system than the machine's:
// for tests. The witness is written within each sync of a log, so that a crash finds it as
// far as it can ever be.
func OpenOn(disk vfs.FS, dir string, cfg Config) (*Store, error) {
	return openOn(disk, dir, cfg, tuning{memTableBytes: memTableBytes})
}

func openOn(disk vfs.FS, dir string, cfg Config, t tuning) (*Store, error) {
	return newStore(cfg, func() (engine, Recovered, error) {
		return openPebble(disk, dir, cfg.Identity, t)
	})
}

// openPebble makes or opens the folder behind a new guard. Resume comes here as well: a
// guard that has closed never opens again.
func openPebble(disk vfs.FS, dir string, id Identity, t tuning) (engine, Recovered, error) {
	g := newGuard(disk)
	f := folder{fs: g, dir: dir}
	whole, err := f.check(id)
	if err == nil && !whole {
		err = createPebble(g, f, id, t)
	}
	if err != nil {
		return nil, Recovered{}, err
	}
	return reopenPebble(g, f, t)
}

// createPebble makes a database and closes it: the log that Pebble makes with a
// database is in an older form, in which damage cannot be told from a torn end. A guard
// that has closed reports success to all, so its cause is asked for before any error.
func createPebble(g *guard, f folder, id Identity, t tuning) error {
	err := f.begin(id)
	if err = cmp.Or(g.err(), err); err != nil {
		return fmt.Errorf("make store %s: %w", f.dir, err)
	}
	// It gets no witness: one that outlived a creation that was cut off would speak of a
	// log that the next one has not. But it gets the room for one, or a disk that is full
	// would fail the store when it is made already, and has begun to serve.
	e, err := startPebble(g, f, options(g, t), nil)
	if err == nil {
		err = errors.Join(e.write([]op{setEpoch(1)}, true), e.close(time.Now().Add(closeWait)))
	}
	if err == nil {
		err = writeFile(g, f.path(witnessName), noWitness)
	}
	if err == nil {
		err = f.finish()
	}
	if err = cmp.Or(g.err(), err); err != nil {
		return fmt.Errorf("make store %s: %w", f.dir, err)
	}
	return nil
}

func reopenPebble(g *guard, f folder, t tuning) (engine, Recovered, error) {
	database := f.path(databaseName)
	if _, err := g.Stat(database); err != nil {
		return nil, Recovered{}, asCorrupt(database, err)
	}
	opts := options(g, t)
	// A store that is whole has a database. To make a new one in its place would hide
	// that it is lost.
	opts.ErrorIfNotExists = true
	// Before the inspection, so that nobody writes what is inspected. From here on each way
	// out gives the lock back, or hands it to the engine.
	lock, err := lockDatabase(g, database)
	if err != nil {
		return nil, Recovered{}, err
	}
	damage, recovered, err := inspect(g, database)
	if err == nil && damage == nil {
		_, damage, err = testify(g, f)
	}
	if err = errors.Join(err, damage); err != nil {
		return nil, Recovered{}, errors.Join(err, lock.Close())
	}
	opts.Lock = lock
	e, err := startPebble(g, f, opts, newWitness(g, f, t.witnessPause))
	if err != nil {
		return nil, Recovered{}, errors.Join(err, lock.Close())
	}
	e.lock = lock
	return e, recovered, nil
}

// lockDatabase takes the lock that Pebble takes too. Within one process Pebble says in
// words alone that the lock is taken.
func lockDatabase(disk vfs.FS, database string) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(database, disk)
	if err == nil {
		return lock, nil
	}
	if errors.Is(err, syscall.EAGAIN) || strings.Contains(err.Error(), "lock held by current process") {
		return nil, &LockedError{Dir: database, Err: err}
	}
	return nil, fmt.Errorf("lock store %s: %w", database, err)
}

// options returns the options of a database behind a guard. The newest format is
// needed: its log says how much of it was durable, which inspect looks for.
func options(g *guard, t tuning) *pebble.Options {
	opts := &pebble.Options{
		FS:                    g,
		Logger:                guardLogger{g},
		FormatMajorVersion:    pebble.FormatNewest,
		CacheSize:             cacheBytes,
		MaxOpenFiles:          openFilesMax,
		MemTableSize:          t.memTableBytes,
		L0CompactionThreshold: 4,
		EventListener: &pebble.EventListener{
			BackgroundError: g.fail,
			DataCorruption:  func(info pebble.DataCorruptionInfo) { g.fail(corruptFile(info.Path, info.Details)) },
		},
	}
	opts.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return opts
}

// guardLogger drops what Pebble logs. What Pebble calls fatal closes the guard, so
// that it does no harm to go on.
type guardLogger struct{ g *guard }

// Infof does nothing.
func (guardLogger) Infof(string, ...any) {}

// Errorf does nothing: errors come as events.
func (guardLogger) Errorf(string, ...any) {}

// Fatalf closes the guard.
func (l guardLogger) Fatalf(format string, args ...any) { l.g.fail(fmt.Errorf(format, args...)) }

// pebbleEngine is an open database. A goroutine of its own writes the witness meanwhile,
// and closes the database when it has failed or when it is told to, whichever comes first.
type pebbleEngine struct {
	g    *guard
	db   *pebble.DB
	lock *pebble.Lock // nil if Pebble took its own
	// witness is nil while the store is made.
	witness *witness

	gate   sync.RWMutex // held for reading while db is used; guards ended
	ended  bool
	stop   chan struct{} // closed by close
	once   sync.Once
	done   chan struct{} // closed when db is
	result error         // of closing, once done
}

// startPebble opens the database. If the guard has closed meanwhile, Pebble may believe
// that it has opened, and is closed again.
func startPebble(g *guard, f folder, opts *pebble.Options, w *witness) (e *pebbleEngine, err error) {
	database := f.path(databaseName)
	db, err := openDB(database, opts)
	if down := g.err(); down != nil {
		if db != nil {
			_ = closeDB(db)
		}
		w.close()
		return nil, fmt.Errorf("open store %s: %w", f.dir, down)
	}
	if err != nil {
		w.close()
		return nil, asCorrupt(database, err)
	}
	e = &pebbleEngine{g: g, db: db, witness: w, stop: make(chan struct{}), done: make(chan struct{})}
	go e.serve()
	return e, nil
}

// openDB does what pebble.Open does, and returns a panic as an error.
func openDB(dir string, opts *pebble.Options) (db *pebble.DB, err error) {
	defer recovered(&err)
	return pebble.Open(dir, opts)
}

// closeDB does what DB.Close does, and returns a panic as an error.
func closeDB(db *pebble.DB) (err error) {
	defer recovered(&err)
	return db.Close()
}

// recovered makes a panic of Pebble, which is how it says that an invariant is
// broken, an error. Its locks may be held for good then, so the database is only closed
// after it, and not even that is waited for without end.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("pebble panicked: %v", v)
		if cause, ok := v.(error); ok {
			*err = fmt.Errorf("pebble panicked: %w", cause)
		}
	}
}

// serve closes the database in the end. It waits for those who use it: to close under
// them would be a crash. Who comes later finds ended set.
func (e *pebbleEngine) serve() {
	defer close(e.done)
	e.attend()
	e.gate.Lock()
	e.ended = true
	e.gate.Unlock()
	e.result = closeDB(e.db)
	e.witness.close()
	if e.lock != nil {
		e.result = errors.Join(e.result, e.lock.Close())
	}
	if e.g.err() != nil {
		e.result = nil // the cause has been told
	}
}

// attend writes the witness when something was synced, once in a pause at most, until the
// database is to be closed.
func (e *pebbleEngine) attend() {
	var noted chan struct{} // nil while the witness rests
	var rested <-chan time.Time
	if e.witness != nil {
		noted = e.witness.noted
	}
	for {
		select {
		case <-e.g.failed:
			return
		case <-e.stop:
			return
		case <-noted:
			e.witness.write()
			noted, rested = nil, time.After(e.witness.pause)
		case <-rested:
			noted, rested = e.witness.noted, nil
		}
	}
}

func (e *pebbleEngine) write(ops []op, sync bool) (err error) {
	if len(ops) == 0 {
		return e.err()
	}
	return e.use(func() error {
		b := e.db.NewBatchWithSize(batchBytes(ops))
		for _, o := range ops {
			// They only write to memory. What is wrong with the disk shows when the
			// batch is committed.
			switch {
			case o.end != nil:
				_ = b.DeleteRange(o.key, o.end, nil)
			case o.value == nil:
				_ = b.Delete(o.key, nil)
			default:
				_ = b.Set(o.key, o.value, nil)
			}
		}
		if err := b.Commit(&pebble.WriteOptions{Sync: sync}); err != nil {
			return err
		}
		return b.Close()
	})
}

// batchBytes returns about what a batch of ops takes: a head of 12 bytes, and for each op
// its kind and its lengths. A batch that is too small grows.
func batchBytes(ops []op) int {
	size := 12
	for _, o := range ops {
		size += 16 + len(o.key) + len(o.value) + len(o.end)
	}
	return size
}

// use lets f use the database, and makes its panics and errors the end of it. It
// looks at the guard last, for only the guard knows what reached the disk. It looks at it
// first as well: at the gate one could wait for a call that the disk holds up.
func (e *pebbleEngine) use(f func() error) error {
	if err := e.err(); err != nil {
		return err
	}
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.ended {
		return e.err()
	}
	err := func() (err error) { defer recovered(&err); return f() }()
	if err != nil {
		e.g.fail(err)
	}
	return e.g.err()
}

// scan holds the gate while f runs, so f must not use the engine: once serve waits for the
// gate, nobody else gets through it.
func (e *pebbleEngine) scan(from, to []byte, f func(key, value []byte) error) error {
	var stopped error // what f ended the scan with: no failure of the database
	err := e.use(func() (err error) {
		stopped, err = scanDB(e.db, from, to, f)
		return err
	})
	return errors.Join(err, stopped)
}

// scanDB calls f for the keys in [from, to), in order. stopped is what f ended that with.
func scanDB(db *pebble.DB, from, to []byte, f func(key, value []byte) error) (stopped, err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return nil, damaged(err)
	}
	for ok := it.First(); ok && stopped == nil; ok = it.Next() {
		stopped = f(it.Key(), it.Value())
	}
	return stopped, damaged(errors.Join(it.Error(), it.Close()))
}

func (e *pebbleEngine) err() error {
	if err := e.g.err(); err != nil {
		return err
	}
	select {
	case <-e.stop:
		return ErrClosed
	default:
		return nil
	}
}

// close waits for serve. After that the goroutine and what it holds are left behind: a
// disk that does not answer cannot be made to.
func (e *pebbleEngine) close(by time.Time) error {
	e.once.Do(func() { close(e.stop) })
	late := time.NewTimer(time.Until(by))
	defer late.Stop()
	select {
	case <-e.done:
		return e.result
	case <-late.C:
		return ErrCloseTimeout
	}
}
