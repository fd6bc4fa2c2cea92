package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/backup"
)

// A backupFile is a backup that has been read to its end once, and is whole. It is read
// again to be used, so that not a page of a damaged one is.
type backupFile struct {
	name string // as it was given
	head backup.Head
	file *os.File
}

// openBackup opens a backup, or copies standard input to a file that has no name, and reads
// it through.
func openBackup(name string, in io.Reader) (b *backupFile, err error) {
	b = &backupFile{name: name}
	if name == "-" {
		b.file, err = spooled(in)
	} else {
		b.file, err = seekable(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failf(exitNotFound, "import: there is no file %s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if err := b.pages(func(crdt.Entries) error { return nil }); err != nil {
		b.close()
		return nil, failf(exitRefused, "import %s: %w", name, err).withHint("%s", backupHint(err))
	}
	return b, nil
}

// backupHint says what to do about a file that is no whole backup.
func backupHint(err error) string {
	if _, later := errors.AsType[*backup.VersionError](err); later {
		return "import it with the version that made it, or a later one"
	}
	if errors.Is(err, backup.ErrNotBackup) {
		return "the file must be one that citynode state export has written"
	}
	return "take another copy of the file; nothing of it was imported"
}

// seekable opens a file that can be read twice: a pipe is copied first.
func seekable(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		return f, nil
	}
	defer f.Close()
	if err != nil {
		return nil, err
	}
	return spooled(f)
}

// spooled copies a stream to a file of its own, which is gone when it is closed, where the
// system allows that, and else when the process ends well.
func spooled(in io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "citynode-import-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // fails where an open file cannot be removed; close tries again
	if _, err := io.Copy(f, in); err != nil {
		removeFile(f)
		return nil, fmt.Errorf("copy standard input: %w", err)
	}
	return f, nil
}

func removeFile(f *os.File) {
	f.Close()
	_ = os.Remove(f.Name())
}

// close ends the use of the file. One that was copied goes.
func (b *backupFile) close() {
	if b.file.Name() != b.name {
		removeFile(b.file)
		return
	}
	b.file.Close()
}

// pages calls f with all entries, some hundreds at a time, tombstones first.
func (b *backupFile) pages(f func(crdt.Entries) error) error {
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := backup.NewReader(b.file)
	if err != nil {
		return err
	}
	b.head = r.Head()
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(e)
		}
		if err != nil {
			return err
		}
	}
}

// batches calls f with all entries in the same order, a little more than bytesMin at a time,
// as far as they go.
func (b *backupFile) batches(bytesMin int, f func(crdt.Entries) error) error {
	var batch crdt.Entries
	bytes := 0
	err := b.pages(func(e crdt.Entries) error {
		batch.Append(e)
		if bytes += entriesBytes(e); bytes < bytesMin {
			return nil
		}
		full := batch
		batch, bytes = crdt.Entries{}, 0
		return f(full)
	})
	if err == nil && batch.Len() > 0 {
		err = f(batch)
	}
	return err
}

// entriesBytes returns about what entries take on the wire.
func entriesBytes(e crdt.Entries) (n int) {
	for _, h := range e.Heroes {
		n += crdt.HeroSize(h)
	}
	for _, t := range e.Tombstones {
		n += crdt.TombstoneSize(t)
	}
	return n
}

// entries returns how many entries the backup has.
func (b *backupFile) entries() uint64 { return b.head.Summary.Heroes + b.head.Summary.Tombstones }
