package store

import (
	"context"
	"encoding/binary"
	"fmt"
)

// partEntriesMax bounds a part: some 400 KB of heroes, merged in a few
// milliseconds. A start looks at its context, and tells its progress, between two parts.
const partEntriesMax = 4096

// loader fills parts and hands them out. It belongs to the goroutine of Load.
type loader struct {
	ctx  context.Context //nolint:containedctx // it lives for one call
	hand func(Part) error
	part Part
}

func (l *loader) records(e engine, epoch Epoch) error {
	err := e.scan(epochKey(tableRecords, epoch), epochKey(tableRecords, epoch+1), func(key, value []byte) error {
		if err := decodeRecord(key, value, &l.part.Entries); err != nil {
			return &CorruptError{File: "records", Offset: -1, Err: err}
		}
		return l.count(l.part.Entries.Len())
	})
	return l.last(err)
}

func (l *loader) answers(e engine, epoch Epoch) error {
	err := e.scan(epochKey(tableAnswers, epoch), epochKey(tableAnswers, epoch+1), func(key, value []byte) error {
		a, err := decodeAnswer(key, value)
		if err != nil {
			return &CorruptError{File: "answers", Offset: -1, Err: err}
		}
		l.part.Answers = append(l.part.Answers, a)
		return l.count(len(l.part.Answers))
	})
	return l.last(err)
}

// count counts one more, and hands out the part if it is full.
func (l *loader) count(inPage int) error {
	l.part.Loaded++
	if inPage < partEntriesMax {
		return nil
	}
	return l.flush()
}

// last hands out what is left after a scan that ended well. Entries and answers are
// scanned one after the other, so no part has both.
func (l *loader) last(err error) error {
	if err == nil && (l.part.Entries.Len() > 0 || len(l.part.Answers) > 0) {
		err = l.flush()
	}
	return err
}

// flush hands the part over, which is then its taker's, and begins a new one. Once a part
// is often enough to look whether ctx has ended.
func (l *loader) flush() error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	part := l.part
	l.part = Part{Loaded: part.Loaded}
	return l.hand(part)
}

// readState reads epoch and facts. It is strict: a store without an epoch, or with another
// key beside it, is none that this program wrote.
func readState(e engine) (epoch Epoch, facts Facts, err error) {
	err = e.scan([]byte{tableEpoch}, []byte{tableOld}, func(key, value []byte) error {
		switch {
		case len(key) == 1 && key[0] == tableEpoch && len(value) == 8:
			epoch = Epoch(binary.BigEndian.Uint64(value))
		case len(key) == 1 && key[0] == tableFacts && len(value) == factsBytes:
			facts.Since = stamp(value[:8])
			facts.Incarnation = stamp(value[8:])
		default:
			return &CorruptError{File: "state", Offset: -1, Err: fmt.Errorf("key %x with %d bytes: %w", key, len(value), errMalformed)}
		}
		return nil
	})
	if err == nil && epoch == 0 {
		err = &CorruptError{File: "state", Offset: -1, Err: fmt.Errorf("no epoch: %w", errMalformed)}
	}
	return epoch, facts, err
}
