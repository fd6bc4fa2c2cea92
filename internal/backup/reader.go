package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/citynode/citynode/crdt"
)

// firstBytes is the room for what is read of a frame before anything of it has come.
const firstBytes = 4 << 10

// A Reader reads the file of one backup. It keeps at most one frame in memory.
type Reader struct {
	from  *bufio.Reader
	sum   hash.Hash
	at    int64 // how many bytes were read
	head  Head
	order order
	buf   []byte
	err   error // with which Next has ended
	// broken is what the stream failed with, which says nothing of the file; or nil.
	broken error
}

// NewReader reads the head of a file. The error is [ErrNotBackup], a *[VersionError], a
// *[CutError], a *[DamagedError], or that of the stream.
func NewReader(r io.Reader) (*Reader, error) {
	b := &Reader{from: bufio.NewReader(r), sum: sha256.New()}
	if err := b.begin(); err != nil {
		return nil, err
	}
	at := b.at
	item, err := b.frame()
	if err == nil && item == nil {
		err = errors.New("there is no head")
	}
	if err == nil {
		b.head, err = parseHead(item)
	}
	if err != nil {
		return nil, b.damaged(at, err)
	}
	return b, nil
}

// begin reads the magic and the version. A file that is shorter than the magic, or empty,
// may be a backup that was cut off.
func (r *Reader) begin() error {
	start, err := r.read(len(magic))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if !bytes.HasPrefix([]byte(magic), start) {
		return ErrNotBackup
	}
	if err != nil {
		return &CutError{Bytes: r.at}
	}
	version, err := r.read(versionBytes)
	if err != nil {
		return r.damaged(r.at, err)
	}
	switch v := binary.BigEndian.Uint32(version); {
	case v > Version:
		return &VersionError{Have: v}
	case v < Version:
		return &DamagedError{At: int64(len(magic)), Err: fmt.Errorf("format %d, which there never was", v)}
	}
	return nil
}

// Head returns what the file says that it holds. It is proved once Next has returned
// io.EOF.
func (r *Reader) Head() Head { return r.head }

// Next returns the entries that come next, some hundreds, never none: tombstones or heroes.
// Its error is io.EOF once the file was read to its end and is whole: all is there that the
// head promises, and the sum is right. Other errors are those of [NewReader]; what was
// returned before one of them may be wrong too.
func (r *Reader) Next() (crdt.Entries, error) {
	if r.err != nil {
		return crdt.Entries{}, r.err
	}
	at := r.at
	e, err := r.next()
	if err != nil {
		r.err = r.damaged(at, err)
		return crdt.Entries{}, r.err
	}
	return e, nil
}

func (r *Reader) next() (crdt.Entries, error) {
	item, err := r.frame()
	if err != nil {
		return crdt.Entries{}, err
	}
	if item == nil {
		return crdt.Entries{}, r.end()
	}
	e, err := crdt.DecodeEntries(item)
	switch {
	case err != nil:
		return crdt.Entries{}, err
	case e.Len() == 0:
		return crdt.Entries{}, errors.New("a frame without an entry")
	case e.Heroes != nil && e.Tombstones != nil:
		return crdt.Entries{}, errBothKinds
	}
	return e, r.order.add(e)
}

// end reads what follows the last frame. It returns io.EOF if the file is whole.
func (r *Reader) end() error {
	want := r.sum.Sum(nil)
	at := r.at
	got, err := r.read(sumBytes)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return &DamagedError{At: at, Err: errors.New("the checksum is another than that of what the file holds")}
	}
	if err := r.order.complete(r.head.Summary); err != nil {
		return &DamagedError{At: at, Err: err}
	}
	switch _, err := r.from.ReadByte(); {
	case err == nil:
		return &DamagedError{At: r.at, Err: errors.New("something follows the end")}
	case !errors.Is(err, io.EOF):
		return r.fail(err)
	}
	return io.EOF
}

// frame returns the item of the next frame, which is valid until the next call; nil at the
// last one.
func (r *Reader) frame() ([]byte, error) {
	length, err := r.read(lengthBytes)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length)
	switch {
	case n == 0:
		return nil, nil
	case n > frameBytesMax:
		return nil, fmt.Errorf("a frame of %d bytes, at most %d are allowed", n, frameBytesMax)
	}
	return r.read(int(n))
}

// read returns the next n bytes, which are valid until the next call. Its buffer grows with
// what has come, not with n. Where the stream ends before, it returns what has come and
// io.ErrUnexpectedEOF.
func (r *Reader) read(n int) ([]byte, error) {
	r.buf = r.buf[:0]
	for len(r.buf) < n {
		have := len(r.buf)
		want := min(n, max(cap(r.buf), firstBytes, 2*have))
		if want > cap(r.buf) {
			r.buf = append(make([]byte, 0, want), r.buf...)
		}
		got, err := io.ReadFull(r.from, r.buf[have:want])
		r.buf = r.buf[:have+got]
		r.at += int64(got)
		r.sum.Write(r.buf[have:]) // never fails
		if err != nil {
			return r.buf, r.fail(err)
		}
	}
	return r.buf, nil
}

// fail returns io.ErrUnexpectedEOF where the stream has ended, and what it failed with else.
func (r *Reader) fail(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	r.broken = fmt.Errorf("read the backup: %w", err)
	return r.broken
}

// damaged returns what is wrong with the frame that begins at a byte.
func (r *Reader) damaged(at int64, err error) error {
	switch _, said := errors.AsType[*DamagedError](err); {
	case r.broken != nil:
		return r.broken
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &CutError{Bytes: r.at}
	case said, errors.Is(err, io.EOF):
		return err
	}
	return &DamagedError{At: at, Err: err}
}
