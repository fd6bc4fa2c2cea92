//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"context"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// blockBytes and blocks are what the disk says of its size.
const (
	blockBytes = 4096
	blocks     = 1 << 30 / blockBytes
)

// A node is an inode as the kernel knows it. Its methods are what go-fuse calls; each
// is one operation of the kernel's, under the disk's lock.
type node struct {
	fs.Inode
	disk  *Disk
	inode *inode
}

// The kernel is answered that an operation is not supported if a method is missing.
var _ interface {
	fs.NodeLookuper
	fs.NodeReaddirer
	fs.NodeGetattrer
	fs.NodeSetattrer
	fs.NodeCreater
	fs.NodeMkdirer
	fs.NodeLinker
	fs.NodeUnlinker
	fs.NodeRmdirer
	fs.NodeRenamer
	fs.NodeOpener
	fs.NodeReader
	fs.NodeWriter
	fs.NodeAllocater
	fs.NodeFsyncer
	fs.NodeStatfser
} = (*node)(nil)

// do runs f under the disk's lock.
func (n *node) do(f func() error) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	return fs.ToErrno(f())
}

// child returns the kernel's node of an inode, and tells of it.
func (n *node) child(ctx context.Context, i *inode, out *fuse.EntryOut) *fs.Inode {
	i.stat(&out.Attr)
	stable := fs.StableAttr{Mode: i.mode & syscall.S_IFMT, Ino: i.number}
	return n.NewInode(ctx, &node{disk: n.disk, inode: i}, stable)
}

func (i *inode) stat(out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink = i.number, i.mode, 1
	out.Size = uint64(len(i.file.now))
	out.Blocks, out.Blksize = (out.Size+511)/512, blockBytes
	out.SetTimes(nil, &i.changed, &i.changed)
}

// Lookup finds an entry.
func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (found *fs.Inode, errno syscall.Errno) {
	errno = n.do(func() error {
		i := n.inode.folder.now[name]
		if i == nil {
			return syscall.ENOENT
		}
		found = n.child(ctx, i, out)
		return nil
	})
	return found, errno
}

// Readdir lists the entries.
func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	var list []fuse.DirEntry
	for _, name := range sortedNames(n.inode.folder.now) {
		i := n.inode.folder.now[name]
		list = append(list, fuse.DirEntry{Name: name, Ino: i.number, Mode: i.mode})
	}
	return fs.NewListDirStream(list), 0
}

// Getattr tells of the inode.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return n.do(func() error { n.inode.stat(&out.Attr); return nil })
}

// Setattr changes the length, the permissions or the time. Owners stay root.
func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return n.do(func() error {
		if length, ok := in.GetSize(); ok {
			if err := n.inode.file.resize(int64(length)); err != nil {
				return err
			}
			n.inode.changed = time.Now()
		}
		if mode, ok := in.GetMode(); ok {
			n.inode.mode = n.inode.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
		}
		if changed, ok := in.GetMTime(); ok {
			n.inode.changed = changed
		}
		n.inode.stat(&out.Attr)
		return nil
	})
}

// make makes an inode in the folder.
func (n *node) make(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (made *fs.Inode, errno syscall.Errno) {
	errno = n.do(func() error {
		i := n.disk.newInode(mode)
		if err := n.inode.folder.add(name, i); err != nil {
			return err
		}
		made = n.child(ctx, i, out)
		return nil
	})
	return made, errno
}

// Create makes a file and opens it.
func (n *node) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	made, errno := n.make(ctx, name, syscall.S_IFREG|mode&^syscall.S_IFMT, out)
	return made, nil, 0, errno
}

// Mkdir makes a folder.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.make(ctx, name, syscall.S_IFDIR|mode&^syscall.S_IFMT, out)
}

// Link gives another name to a file.
func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (linked *fs.Inode, errno syscall.Errno) {
	errno = n.do(func() error {
		i := target.(*node).inode
		if err := n.inode.folder.add(name, i); err != nil {
			return err
		}
		linked = n.child(ctx, i, out)
		return nil
	})
	return linked, errno
}

// Unlink takes a name from a file.
func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	return n.do(func() error { return n.inode.folder.remove(name, false) })
}

// Rmdir removes an empty folder.
func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	return n.do(func() error { return n.inode.folder.remove(name, true) })
}

// Rename renames within the folder. It refuses to go to another one, and flags.
func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	return n.do(func() error {
		switch {
		case flags != 0:
			return syscall.EINVAL
		case to.(*node).inode != n.inode:
			return syscall.EXDEV
		}
		return n.inode.folder.rename(name, newName)
	})
}

// Open opens a file. The kernel cuts it by Setattr before, if it is to be cut.
func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

// Read reads from the file.
func (n *node) Read(_ context.Context, _ fs.FileHandle, buf []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	var length int
	errno := n.do(func() error { length = n.inode.file.read(buf, at); return nil })
	return fuse.ReadResultData(buf[:length]), errno
}

// Write writes to the file.
func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	errno := n.do(func() error {
		n.inode.changed = time.Now()
		return n.inode.file.write(data, at)
	})
	return uint32(len(data)), errno
}

// Allocate keeps room that a file may need later, of which there is always enough.
// What would change the file is not supported.
func (n *node) Allocate(_ context.Context, _ fs.FileHandle, _, _ uint64, mode uint32) syscall.Errno {
	if mode != unix.FALLOC_FL_KEEP_SIZE {
		return syscall.EOPNOTSUPP
	}
	return 0
}

// Fsync syncs the file or the folder.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.do(func() error { n.inode.sync(); return nil })
}

// Statfs says that the disk is large and empty.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize, out.NameLen = blockBytes, blockBytes, 255
	out.Blocks, out.Bfree, out.Bavail = blocks, blocks, blocks
	return 0
}
