//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
)

const (
	// entriesMax is how many entries a folder may have; a city's has some dozens.
	entriesMax = 4096
	// changesMax is how many changes of a folder may wait for a sync. When there are
	// more they become durable by themselves.
	changesMax = 4096
)

// A change gives a name to an inode, or with none takes the name away. With from it is
// a rename, which takes the name from away.
type change struct {
	name string
	to   *inode
	from string
}

func (c change) apply(entries map[string]*inode) {
	if c.from != "" {
		delete(entries, c.from)
	}
	if c.to == nil {
		delete(entries, c.name)
	} else {
		entries[c.name] = c.to
	}
}

// A folder is the entries of a folder, and which of them are durable.
type folder struct {
	now      map[string]*inode
	synced   map[string]*inode
	unsynced []change // since then
}

func newFolder() folder {
	return folder{now: make(map[string]*inode), synced: make(map[string]*inode)}
}

// do makes a change. The caller has checked that it can be made.
func (f *folder) do(c change) {
	c.apply(f.now)
	if len(f.unsynced) == changesMax {
		f.sync()
	}
	f.unsynced = append(f.unsynced, c)
}

// add gives a name that is free to an inode.
func (f *folder) add(name string, to *inode) error {
	switch {
	case f.now[name] != nil:
		return syscall.EEXIST
	case len(f.now) >= entriesMax:
		return syscall.ENOSPC
	}
	f.do(change{name: name, to: to})
	return nil
}

// remove takes a name away, from a folder or from anything else.
func (f *folder) remove(name string, isFolder bool) error {
	i := f.now[name]
	switch {
	case i == nil:
		return syscall.ENOENT
	case isFolder && !i.isFolder():
		return syscall.ENOTDIR
	case !isFolder && i.isFolder():
		return syscall.EISDIR
	case len(i.folder.now) > 0:
		return syscall.ENOTEMPTY
	}
	f.do(change{name: name})
	return nil
}

// rename gives an inode another name, in place of what has that name.
func (f *folder) rename(from, to string) error {
	i, replaced := f.now[from], f.now[to]
	switch {
	case i == nil:
		return syscall.ENOENT
	case i == replaced:
		return nil // as POSIX has it, for two names of one file
	case replaced != nil && replaced.isFolder() && !i.isFolder():
		return syscall.EISDIR
	case replaced != nil && i.isFolder() && !replaced.isFolder():
		return syscall.ENOTDIR
	case replaced != nil && len(replaced.folder.now) > 0:
		return syscall.ENOTEMPTY
	}
	f.do(change{name: to, to: i, from: from})
	return nil
}

func (f *folder) sync() {
	for _, c := range f.unsynced {
		c.apply(f.synced)
	}
	f.unsynced = nil
}

// survive returns the entries that a cut leaves, and how many changes it undid. Names
// that a rename connects are one group, of whose changes a prefix survives.
func (f *folder) survive(chance *rand.Rand) (entries map[string]*inode, undone int) {
	groups := newGroups(f.unsynced)
	left := groups.draw(chance)
	entries = maps.Clone(f.synced)
	for _, c := range f.unsynced {
		group := groups.of(c.name)
		if left[group] == 0 {
			undone++
			continue
		}
		left[group]--
		c.apply(entries)
	}
	return entries, undone
}

// restore gives a name to an inode, durably.
func (f *folder) restore(name string, to *inode) { f.now[name], f.synced[name] = to, to }

// groups are names that changes connect. Each group goes by one of its names.
type groups struct {
	next  map[string]string // towards the name by which the group goes
	sizes map[string]int    // changes, by that name
	order []string          // the names of the changes, in order
}

func newGroups(changes []change) *groups {
	g := &groups{next: make(map[string]string), sizes: make(map[string]int)}
	for _, c := range changes {
		if c.from != "" && g.of(c.from) != g.of(c.name) {
			g.next[g.of(c.from)] = g.of(c.name)
		}
		g.order = append(g.order, c.name)
	}
	for _, name := range g.order {
		g.sizes[g.of(name)]++
	}
	return g
}

// of returns the name by which the group of a name goes.
func (g *groups) of(name string) string {
	for g.next[name] != "" {
		name = g.next[name]
	}
	return name
}

// draw decides for each group how many of its changes survive.
func (g *groups) draw(chance *rand.Rand) map[string]int {
	survive := make(map[string]int)
	for _, name := range g.order {
		group := g.of(name)
		if _, drawn := survive[group]; !drawn {
			survive[group] = chance.IntN(g.sizes[group] + 1)
		}
	}
	return survive
}

func sortedNames(entries map[string]*inode) []string { return slices.Sorted(maps.Keys(entries)) }
