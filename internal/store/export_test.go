package store

import (
	"hash/crc32"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/citynode/citynode/crdt"
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

// NewGuard returns a disk behind a guard.
func NewGuard(disk vfs.FS) vfs.FS { return newGuard(disk) }

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

// PutUnder writes a hero under the key of an ID that may be another's.
func (s *Store) PutUnder(id crdt.ID, h crdt.Hero) error {
	p := s.state.Load()
	o := op{key: recordKey(p.epoch, id), value: crdt.AppendHero([]byte{kindHero}, h)}
	return p.engine.write([]op{o}, true)
}

// AnswersKept counts the answers of all epochs that lie in the store.
func (s *Store) AnswersKept() (n int, err error) {
	e := s.state.Load().engine
	err = e.scan([]byte{tableAnswers}, []byte{tableEnd}, func(_, _ []byte) error { n++; return nil })
	return n, err
}

// RecordsKept does the same for records.
func (s *Store) RecordsKept() (n int, err error) {
	e := s.state.Load().engine
	err = e.scan([]byte{tableRecords}, []byte{tableAnswers}, func(_, _ []byte) error { n++; return nil })
	return n, err
}

// CloseWait is how long Close waits.
const CloseWait = closeWait

// CloseBy is Close with another deadline.
func (s *Store) CloseBy(by time.Time) error { return s.closeBy(by) }

// OpenReader is OpenReader of that folder.
func (m MemFS) OpenReader() (*Reader, error) { return openReader(m.FS, CityDir) }
