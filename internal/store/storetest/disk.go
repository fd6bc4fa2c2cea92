package storetest

import (
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/citynode/citynode/internal/store"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskFolder is the folder of the store on a Disk.
const diskFolder = "city"

// errNoPower is the error of a sync after a kill.
var errNoPower = errors.New("the machine has no power")

// A Disk is a place for a store in Pebble, on a file system in memory that loses at a
// kill what was not synced. It is safe for concurrent use.
type Disk struct {
	percent int

	mu     sync.Mutex // guards the rest
	chance *rand.Rand
	now    *power
}

// NewDisk returns an empty disk. Of what was not synced a kill leaves about so many
// percent of the blocks and of the entries of folders, from 0 to 100. The seed decides
// which.
func NewDisk(percent int, seed uint64) *Disk {
	return &Disk{
		percent: percent,
		chance:  rand.New(rand.NewPCG(seed, 0)),
		now:     &power{FS: vfs.NewCrashableMem()},
	}
}

// Open opens the store that lies there, and makes it the first time.
func (d *Disk) Open(cfg store.Config) (*store.Store, error) {
	d.mu.Lock()
	disk := d.now
	d.mu.Unlock()
	return store.OpenOn(disk, diskFolder, cfg)
}

// Kill ends the process that has the store open, and the machine's power with it: the
// store acknowledges nothing more, and the next opening finds what a crash leaves. The
// former store is still to be closed, to end its goroutines.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.fail(vfs.CrashCloneCfg{UnsyncedDataPercent: d.percent, RNG: d.chance})
}

// Fail has syncs fail, with err, until it is called with nil.
func (d *Disk) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now.set(err)
}

// A power is a file system until the power fails. Nothing is durable without a sync, so
// only syncs have to know.
type power struct {
	vfs.FS

	mu    sync.RWMutex // held for reading by each sync; guards fault
	fault error        // why nothing can be synced; nil: it can
}

// fail takes the power away, and returns the file system that is left. A sync comes
// wholly before that, or fails.
func (p *power) fail(left vfs.CrashCloneCfg) *power {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = errNoPower
	return &power{FS: p.FS.(*vfs.MemFS).CrashClone(left)}
}

func (p *power) set(fault error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// sync runs a sync, if nothing stands in its way.
func (p *power) sync(f func() error) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.fault != nil {
		return p.fault
	}
	return f()
}

func (p *power) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &poweredFile{File: f, power: p}, nil
}

// Create does what vfs.FS.Create does.
func (p *power) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return p.file(p.FS.Create(name, c))
}

// OpenReadWrite does what vfs.FS.OpenReadWrite does.
func (p *power) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return p.file(p.FS.OpenReadWrite(name, c, opts...))
}

// ReuseForWrite does what vfs.FS.ReuseForWrite does.
func (p *power) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return p.file(p.FS.ReuseForWrite(from, to, c))
}

// OpenDir does what vfs.FS.OpenDir does.
func (p *power) OpenDir(name string) (vfs.File, error) { return p.file(p.FS.OpenDir(name)) }

// A poweredFile is a file or a folder whose syncs need power.
type poweredFile struct {
	vfs.File
	power *power
}

// Sync does what vfs.File.Sync does.
func (f *poweredFile) Sync() error { return f.power.sync(f.File.Sync) }

// SyncData does what vfs.File.SyncData does.
func (f *poweredFile) SyncData() error { return f.power.sync(f.File.SyncData) }

// SyncTo does what vfs.File.SyncTo does.
func (f *poweredFile) SyncTo(n int64) (full bool, err error) {
	err = f.power.sync(func() (err error) { full, err = f.File.SyncTo(n); return err })
	return full, err
}
