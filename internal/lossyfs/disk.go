//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// A Disk is a file system in memory that forgets. Its methods are safe for concurrent
// use.
type Disk struct {
	mu     sync.Mutex // guards the rest, and all inodes
	chance *rand.Rand // decides what survives
	root   *inode     // stays the same over cuts
	made   uint64     // how many inodes were made
}

// An inode is a file or a folder.
type inode struct {
	number  uint64 // no other inode ever has it
	mode    uint32 // type and permissions, as stat has them
	changed time.Time

	file   file   // of a file
	folder folder // of a folder
}

// New returns an empty disk. The seed decides what survives its cuts.
func New(seed uint64) *Disk {
	d := &Disk{chance: rand.New(rand.NewPCG(seed, 0))}
	d.root = d.newInode(syscall.S_IFDIR | 0o755)
	return d
}

func (d *Disk) newInode(mode uint32) *inode {
	d.made++
	return &inode{number: d.made, mode: mode, changed: time.Now(), folder: newFolder()}
}

func (i *inode) isFolder() bool { return i.mode&syscall.S_IFMT == syscall.S_IFDIR }

// sync makes durable what the file holds, or which entries the folder has.
func (i *inode) sync() {
	i.file.sync()
	i.folder.sync()
}

// A Loss is what cuts took.
type Loss struct {
	// Writes is the number of writes to files that were lost, in whole or in part.
	Writes int
	// Torn is how many of them were cut in the middle.
	Torn int
	// Changes is the number of changes of folders that were undone.
	Changes int
}

// Add adds another loss.
func (l *Loss) Add(other Loss) {
	l.Writes += other.Writes
	l.Torn += other.Torn
	l.Changes += other.Changes
}

// String says how much was lost.
func (l Loss) String() string {
	return fmt.Sprintf("%d writes, %d of them torn, and %d changes of folders", l.Writes, l.Torn, l.Changes)
}

// Cut takes from the disk what was not synced, but for what survives by chance, and
// returns how much that was. What is left is durable.
func (d *Disk) Cut() Loss {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := cut{disk: d, after: make(map[*inode]*inode)}
	d.root.folder = c.folder(&d.root.folder)
	return c.loss
}

// A cut is one cut under way.
type cut struct {
	disk  *Disk
	after map[*inode]*inode // what has become of files: one may have two names
	loss  Loss
}

// survivor returns what is left of an inode. It is another inode, so that nothing
// written to the former one reaches it.
func (c *cut) survivor(before *inode) *inode {
	if after, ok := c.after[before]; ok {
		return after
	}
	after := c.disk.newInode(before.mode)
	after.changed = before.changed
	c.after[before] = after
	if before.isFolder() {
		after.folder = c.folder(&before.folder)
		return after
	}
	content, loss := before.file.survive(c.disk.chance)
	c.loss.Add(loss)
	after.file.restore(content)
	return after
}

// folder returns what is left of a folder and of all in it.
func (c *cut) folder(before *folder) folder {
	entries, undone := before.survive(c.disk.chance)
	c.loss.Changes += undone
	after := newFolder()
	for _, name := range sortedNames(entries) {
		after.restore(name, c.survivor(entries[name]))
	}
	return after
}
