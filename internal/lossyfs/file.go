//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"math/rand/v2"
	"slices"
	"syscall"
)

const (
	// fileBytesMax is how long a file may be: twice as long as the longest that a
	// city's store makes, which is its log.
	fileBytesMax = 64 << 20
	// unsyncedBytesMax is how much of a file may wait for a sync. When there is more
	// the oldest writes become durable by themselves, as a kernel writes back what
	// has waited for long.
	unsyncedBytesMax = 16 << 20
	// writeBytes is what a write counts for beside its bytes.
	writeBytes = 64
)

// A write changes what a file holds: bytes at an offset, or, where there are no
// bytes, the length.
type write struct {
	at    int64
	bytes []byte
}

// to returns the contents after the write. It may use the memory of those before.
func (w write) to(content []byte) []byte {
	end := w.at + int64(len(w.bytes))
	if len(w.bytes) == 0 && end < int64(len(content)) {
		return content[:end]
	}
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	copy(content[w.at:], w.bytes)
	return content
}

// A file is what a file holds, and what of that is durable.
type file struct {
	now      []byte
	synced   []byte
	unsynced []write // since then
	bytes    int     // of those
}

// write writes bytes, which the caller may use again.
func (f *file) write(bytes []byte, at int64) error {
	if at+int64(len(bytes)) > fileBytesMax {
		return syscall.EFBIG
	}
	if len(bytes) > 0 {
		f.do(write{at, slices.Clone(bytes)})
	}
	return nil
}

// resize cuts the file, or extends it by zeros.
func (f *file) resize(length int64) error {
	if length > fileBytesMax {
		return syscall.EFBIG
	}
	f.do(write{at: length})
	return nil
}

func (f *file) do(w write) {
	f.now = w.to(f.now)
	f.unsynced = append(f.unsynced, w)
	f.bytes += writeBytes + len(w.bytes)
	for f.bytes > unsyncedBytesMax {
		f.writeBack()
	}
}

// writeBack makes the oldest write durable.
func (f *file) writeBack() {
	w := f.unsynced[0]
	f.unsynced = f.unsynced[1:]
	f.bytes -= writeBytes + len(w.bytes)
	f.synced = w.to(f.synced)
}

// read reads into buf and returns how much there was.
func (f *file) read(buf []byte, at int64) int {
	if at >= int64(len(f.now)) {
		return 0
	}
	return copy(buf, f.now[at:])
}

func (f *file) sync() {
	for len(f.unsynced) > 0 {
		f.writeBack()
	}
	f.unsynced = nil // and its memory
}

// survive returns what a cut leaves. The number of writes that survive is drawn
// first, so that all, none and any number between are as likely.
func (f *file) survive(chance *rand.Rand) (content []byte, loss Loss) {
	content = slices.Clone(f.synced)
	kept := chance.IntN(len(f.unsynced) + 1)
	for _, w := range f.unsynced[:kept] {
		content = w.to(content)
	}
	lost := f.unsynced[kept:]
	loss.Writes = len(lost)
	if len(lost) > 0 && len(lost[0].bytes) > 1 && chance.IntN(2) == 0 {
		torn := 1 + chance.IntN(len(lost[0].bytes)-1)
		content = write{lost[0].at, lost[0].bytes[:torn]}.to(content)
		loss.Torn = 1
	}
	return content, loss
}

// restore makes content all that the file holds, durably.
func (f *file) restore(content []byte) { *f = file{now: content, synced: slices.Clone(content)} }
