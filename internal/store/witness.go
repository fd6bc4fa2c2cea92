package store

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	witnessName = "witness"

	// witnessPause is the time from one writing of the witness to the next. What is
	// committed after the last one has no witness, so it is short. A hundred writings a
	// second cost about 10 % of the commits (BenchmarkWitness), so one costs nothing that
	// shows.
	witnessPause = time.Second

	witnessForm = "citynode witness\nlog %020d\nbytes %020d\nsum %08x\n"
	// witnessBytes is the length of the text, which is the same for all numbers: it is
	// written over itself, and the sync of a file that does not grow is the cheapest.
	// It lies within one sector of any disk, so that hardly any crash tears it.
	witnessBytes = 17 + 25 + 27 + 13 + 16
)

// noWitness is the file of a store that was just made. It says nothing.
var noWitness = bytes.Repeat([]byte{'-'}, witnessBytes)

// A witness writes the file that says how much of the newest log was durable. The file may
// be behind the last sync of that log, never ahead of it. An older file is as true as a new
// one, so it does not matter when it is written, or that a crash takes the last writing.
type witness struct {
	g      *guard
	folder folder
	pause  time.Duration // zero: it is written within each sync of a log

	latest atomic.Pointer[logPrefix] // what is durable; nil before the first sync
	noted  chan struct{}             // has a token when latest has changed; nil without a pause

	// They belong to whoever writes: the goroutine of the engine, or without a pause
	// the sync, and the engine once the database is closed.
	file    vfs.File // nil until the first writing
	written logPrefix
}

// newWitness returns the witness of what is synced behind g from now on. It touches
// nothing before the first sync of a log.
func newWitness(g *guard, f folder, pause time.Duration) *witness {
	w := &witness{g: g, folder: f, pause: pause}
	if pause > 0 {
		w.noted = make(chan struct{}, 1)
	}
	g.logSynced = w.note
	return w
}

// note keeps what was synced. It is called within the syncs of logs, so with a pause it
// does not wait.
func (w *witness) note(p logPrefix) {
	w.latest.Store(&p)
	if w.pause == 0 {
		w.write()
		return
	}
	select {
	case w.noted <- struct{}{}:
	default:
	}
}

// write writes the file, if there is something new. An error closes the guard.
func (w *witness) write() {
	p := w.latest.Load()
	if p == nil || *p == w.written {
		return
	}
	first := w.file == nil
	if first {
		// It never fails: what goes wrong closes the guard. The file is not emptied, so
		// what it said before stands until it is written over.
		w.file, _ = w.g.OpenReadWrite(w.folder.path(witnessName), vfs.WriteCategoryUnspecified)
	}
	_, _ = w.file.WriteAt(formatWitness(*p), 0)
	_ = w.file.SyncData()
	if first {
		w.g.do("sync", w.folder.dir, func() error { return syncDir(w.g.FS, w.folder.dir) })
	}
	w.written = *p
}

// close writes what was synced last, and closes the file. Nothing is synced any more. A
// nil witness has neither.
func (w *witness) close() {
	if w == nil {
		return
	}
	w.write()
	if w.file != nil {
		_ = w.file.Close()
	}
}

// formatWitness returns the text of the file: two names, three numbers of a fixed width
// and a checksum.
func formatWitness(p logPrefix) []byte {
	text := fmt.Appendf(make([]byte, 0, witnessBytes), witnessForm, p.log, p.bytes, p.sum)
	return fmt.Appendf(text, "crc32c %08x\n", crc32.Checksum(text, castagnoli))
}

// parseWitness reads the file. ok is false for any that was not written as a whole, say
// because it is torn, or is of a form that only a later program knows.
func parseWitness(text []byte) (p logPrefix, ok bool) {
	if len(text) < witnessBytes {
		return p, false
	}
	_, err := fmt.Sscanf(string(text), witnessForm, &p.log, &p.bytes, &p.sum)
	return p, err == nil && p.bytes > 0 && bytes.Equal(formatWitness(p), text[:witnessBytes])
}
