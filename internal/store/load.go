package store

import (
	"context"
	"encoding/binary"
	"fmt"
)

// pageEntriesMax bounds a page: some 400 KB of heroes, merged in a few
// milliseconds.
const pageEntriesMax = 4096

// loader fills pages and hands them out. It belongs to the goroutine of Load.
type loader struct {
	ctx  context.Context //nolint:containedctx // it lives for one call
	hand func(Page) error
	page Page
}

func (l *loader) records(e engine, epoch Epoch) error {
	err := e.scan(epochKey(tableRecords, epoch), epochKey(tableRecords, epoch+1), func(key, value []byte) error {
		if err := decodeRecord(key, value, &l.page.Entries); err != nil {
			return &CorruptError{File: "records", Offset: -1, Err: err}
		}
		return l.count(l.page.Entries.Len())
	})
	return l.last(err)
}

func (l *loader) answers(e engine, epoch Epoch) error {
	err := e.scan(epochKey(tableAnswers, epoch), epochKey(tableAnswers, epoch+1), func(key, value []byte) error {
		a, err := decodeAnswer(key, value)
		if err != nil {
			return &CorruptError{File: "answers", Offset: -1, Err: err}
		}
		l.page.Answers = append(l.page.Answers, a)
		return l.count(len(l.page.Answers))
	})
	return l.last(err)
}

// count counts one more, and hands out the page if it is full.
func (l *loader) count(inPage int) error {
	l.page.Loaded++
	if inPage < pageEntriesMax {
		return nil
	}
	return l.flush()
}

// last hands out what is left after a scan that ended well. Entries and answers are
// scanned one after the other, so no page has both.
func (l *loader) last(err error) error {
	if err == nil && (l.page.Entries.Len() > 0 || len(l.page.Answers) > 0) {
		err = l.flush()
	}
	return err
}

// flush hands the page over, which is then its taker's, and begins a new one. Once a page
// is often enough to look whether ctx has ended.
func (l *loader) flush() error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	page := l.page
	l.page = Page{Loaded: page.Loaded}
	return l.hand(page)
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
