package store

import (
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// problemsMax bounds a report; who has more needs a copy, not a list.
const problemsMax = 100

// Report is what Verify found.
type Report struct {
	Identity   Identity
	Epoch      Epoch
	Heroes     int
	Tombstones int
	Answers    int
	Outdated   int // records and answers of epochs that do not count
	Torn       Recovered
	Ending     Ending // zero where logs or manifest are damaged
	Witness    Testimony
	Problems   []Problem // at most problemsMax
}

// Problem is one thing that is wrong.
type Problem struct {
	File   string
	Offset int64 // in bytes, -1 where not known
	What   string
}

// Verify reads the whole store in a folder, that nobody has open, with all
// checksums, and decodes each record strictly. It changes nothing. Damage is in the
// report; the errors are those of Open for a folder that cannot be looked at. It takes the
// lock, so that no city starts meanwhile, unless nothing can be written there.
func Verify(dir string) (Report, error) { return verifyOn(vfs.Default, dir) }

func verifyOn(disk vfs.FS, dir string) (Report, error) {
	f := folder{fs: disk, dir: dir}
	var r Report
	var err error
	if r.Identity, err = f.read(); err != nil {
		return r, err
	}
	return r, r.database(disk, f)
}

// database looks at logs and manifest first: Pebble would take damage there for their end,
// and not speak of it.
func (r *Report) database(disk vfs.FS, f folder) error {
	database := f.path(databaseName)
	if _, err := disk.Stat(database); err != nil {
		return r.problem(asCorrupt(database, err))
	}
	lock, err := lockIfWritable(disk, database)
	if err != nil {
		return err
	}
	if lock != nil {
		defer lock.Close()
	}
	damage, torn, err := inspect(disk, database)
	if err != nil {
		return err
	}
	r.Torn = torn
	if damage == nil {
		// Where the manifest is damaged, nobody knows which logs count.
		if r.Witness, damage, err = testify(disk, f); err != nil {
			return err
		}
	}
	if damage != nil {
		_ = r.problem(damage)
	} else if r.Ending, err = endingOf(disk, database, torn, r.Witness); err != nil {
		return err
	}
	db, err := openToRead(disk, database)
	if err != nil {
		return r.problem(asCorrupt(database, err))
	}
	return errors.Join(r.tables(db), closeDB(db))
}

// problem adds damage to the report, and returns any other error.
func (r *Report) problem(err error) error {
	c, ok := errors.AsType[*CorruptError](err)
	if !ok {
		return err
	}
	p := Problem{File: c.File, Offset: c.Offset, What: c.Err.Error()}
	if len(r.Problems) < problemsMax {
		r.Problems = append(r.Problems, p)
	}
	return nil
}

// tables reads all keys. Past a block that cannot be read it goes on after the
// table that the block is in, so that it names each damaged table once. It ends, for
// each turn begins behind the one before.
func (r *Report) tables(db *pebble.DB) error {
	from := []byte{tableEpoch}
	for from != nil {
		err := r.scan(db, from)
		if err == nil {
			break
		}
		if from = after(err, from); from == nil || len(r.Problems) == problemsMax {
			return r.problem(damaged(err))
		}
		if err := r.problem(damaged(err)); err != nil {
			return err
		}
	}
	if r.Epoch == 0 {
		return r.problem(&CorruptError{File: "state", Offset: -1, Err: fmt.Errorf("no epoch: %w", errMalformed)})
	}
	return nil
}

// after returns a key behind the table that err is about, nil if that is not known or
// leads no further. The table may have the last key of its bounds itself, hence the
// next one.
func after(err error, from []byte) []byte {
	info := pebble.ExtractDataCorruptionInfo(err)
	if info == nil {
		return nil
	}
	next := append(append([]byte{}, info.Bounds.End.Key...), 0)
	if string(next) <= string(from) {
		return nil
	}
	return next
}

// scan reads the keys from one on. A record that is wrong is a problem of its own, and the
// scan goes on; a block that cannot be read ends it.
func (r *Report) scan(db *pebble.DB, from []byte) error {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{tableEnd}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := r.key(it.Key(), it.Value()); err != nil {
			_ = r.problem(&CorruptError{File: databaseName, Offset: -1, Err: err})
		}
	}
	return errors.Join(it.Error(), it.Close())
}

// key counts a record after decoding it. The epoch comes first of all keys. What does not
// count any more is not decoded: nobody will read it.
func (r *Report) key(key, value []byte) error {
	switch table := key[0]; {
	case table == tableEpoch && len(value) == 8:
		r.Epoch = Epoch(stamp(value))
	case table == tableFacts && len(value) == factsBytes:
	case table == tableOld, (table == tableRecords || table == tableAnswers) && len(key) >= epochKeyBytes && epochOf(key) != r.Epoch:
		r.Outdated++
	case table == tableRecords:
		var e crdt.Entries
		if err := decodeRecord(key, value, &e); err != nil {
			return err
		}
		r.Heroes += len(e.Heroes)
		r.Tombstones += len(e.Tombstones)
	case table == tableAnswers:
		if _, err := decodeAnswer(key, value); err != nil {
			return err
		}
		r.Answers++
	default:
		return fmt.Errorf("key %x with %d bytes: %w", key, len(value), errMalformed)
	}
	return nil
}
