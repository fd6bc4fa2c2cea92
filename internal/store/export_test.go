package store

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MemFS is a place in a file system of tests, with memtables that are full after
// some hundred heroes.
type MemFS struct{ vfs.FS }

// CityDir is the folder of the store there.
const CityDir = "city"

// Open is Open of that folder.
func (m MemFS) Open(cfg Config) (*Store, error) {
	return openOn(m.FS, CityDir, cfg, tuning{memTableBytes: 64 << 10})
}

// Verify is Verify of that folder.
func (m MemFS) Verify() (Report, error) { return verifyOn(m.FS, CityDir) }

// WriteAsOf commits without a look at the epoch, as a commit does that a raise
// overtook.
func (s *Store) WriteAsOf(e Epoch, b Batch) error {
	b.Epoch = e
	return s.state.Load().engine.write(batchOps(b), true)
}

// CloseWait is how long Close waits.
const CloseWait = closeWait

// CloseBy is Close with another deadline.
func (s *Store) CloseBy(by time.Time) error { return s.closeBy(by) }
