package store

import (
	"hash/crc32"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MemFS is a place in a file system of tests, with memtables that are full after
// some hundred heroes.
type MemFS struct {
	vfs.FS
	WitnessPause time.Duration // zero: the witness is written within each sync
}

// CityDir is the folder of the store there.
const CityDir = "city"

// Open is Open of that folder.
func (m MemFS) Open(cfg Config) (*Store, error) {
	return openOn(m.FS, CityDir, cfg, tuning{memTableBytes: 64 << 10, witnessPause: m.WitnessPause})
}

// Verify is Verify of that folder.
func (m MemFS) Verify() (Report, error) { return verifyOn(m.FS, CityDir) }

// OpenWitnessed is Open with another pause between two writings of the witness.
func OpenWitnessed(dir string, cfg Config, pause time.Duration) (*Store, error) {
	return openOn(vfs.Default, dir, cfg, tuning{memTableBytes: memTableBytes, witnessPause: pause})
}

// WitnessPath is the path of the witness there.
const WitnessPath = CityDir + "/" + witnessName

// WriteWitness has the witness say that so much of a log was durable.
func (m MemFS) WriteWitness(log string, durable []byte) {
	number, _ := logNumber(m.PathBase(log))
	p := logPrefix{log: number, bytes: int64(len(durable)), sum: crc32.Checksum(durable, castagnoli)}
	if err := writeFile(m.FS, WitnessPath, formatWitness(p)); err != nil {
		panic(err)
	}
}

// WriteAsOf commits without a look at the epoch, as a commit does that a raise
// overtook.
func (s *Store) WriteAsOf(e Epoch, b Batch) error {
	b.Epoch = e
	return s.state.Load().engine.write(batchOps(b), true)
}
