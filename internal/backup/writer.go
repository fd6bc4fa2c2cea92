package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"github.com/citynode/citynode/crdt"
)

// A Writer writes the file of one backup. It keeps at most one frame in memory.
type Writer struct {
	to           io.Writer
	sum          hash.Hash
	head         Head
	order        order
	page         crdt.Entries // that comes next
	bytes        int          // of its encoding, at most
	buf          []byte
	bytesWritten int64
}

// NewWriter begins a file. It fails if the head is not valid, or as w does.
func NewWriter(w io.Writer, h Head) (*Writer, error) {
	if err := h.validate(); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	b := &Writer{to: w, sum: sha256.New(), head: h, bytes: crdt.EntriesOverheadMax}
	if err := b.write(binary.BigEndian.AppendUint32([]byte(magic), Version)); err != nil {
		return nil, err
	}
	return b, b.frame(h.append(nil))
}

// Add writes entries. All tombstones of the backup come before its heroes, and each kind by
// ascending ID, over all calls. Add fails if that is not so, or as the stream does. It keeps
// the memory of the entries' strings until later calls.
func (w *Writer) Add(e crdt.Entries) error {
	if err := w.order.add(e); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	for _, t := range e.Tombstones {
		if err := w.room(crdt.TombstoneSize(t)); err != nil {
			return err
		}
		w.page.Tombstones = append(w.page.Tombstones, t)
	}
	if len(e.Heroes) > 0 && len(w.page.Tombstones) > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	for _, h := range e.Heroes {
		if err := w.room(crdt.HeroSize(h)); err != nil {
			return err
		}
		w.page.Heroes = append(w.page.Heroes, h)
	}
	return nil
}

// room counts one more entry into the page, and writes the page first where it is full.
func (w *Writer) room(size int) error {
	if w.bytes+size > pageBytesMax {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.bytes += size
	return nil
}

// flush writes the page, if there is anything in it.
func (w *Writer) flush() error {
	if w.page.Len() == 0 {
		return nil
	}
	page := w.page // of the kind that is not in it there must be no array
	if len(page.Heroes) == 0 {
		page.Heroes = nil
	} else {
		page.Tombstones = nil
	}
	w.buf = crdt.AppendEntries(w.buf[:0], page)
	clear(w.page.Heroes) // or a short page keeps the strings of a long one
	w.page.Heroes, w.page.Tombstones = w.page.Heroes[:0], w.page.Tombstones[:0]
	w.bytes = crdt.EntriesOverheadMax
	return w.frame(w.buf)
}

// Close ends the file. It fails unless the entries are those that the head promises; the
// file is of no use then. It does not close the stream.
func (w *Writer) Close() error {
	if err := w.order.complete(w.head.Summary); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.write(make([]byte, lengthBytes)); err != nil {
		return err
	}
	return w.write(w.sum.Sum(nil))
}

// Bytes returns how many bytes were written.
func (w *Writer) Bytes() int64 { return w.bytesWritten }

// Entries returns how many entries were added.
func (w *Writer) Entries() uint64 { return w.order.summary.Heroes + w.order.summary.Tombstones }

func (w *Writer) frame(item []byte) error {
	if err := w.write(binary.BigEndian.AppendUint32(nil, uint32(len(item)))); err != nil {
		return err
	}
	return w.write(item)
}

// write writes to the stream and to the sum. The sum itself goes the same way: nothing is
// asked of it afterwards.
func (w *Writer) write(b []byte) error {
	w.sum.Write(b) // never fails
	n, err := w.to.Write(b)
	w.bytesWritten += int64(n)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
