package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

const (
	// runtimeFilesMax bounds how many files of running nodes are read: more
	// than one machine runs.
	runtimeFilesMax = 1024
	// runtimeBytesMax bounds one of them: a host has some dozens of addresses
	// of at most some hundred bytes.
	runtimeBytesMax = 64 << 10

	runtimePattern = "*.json"
)

// runningNode is what a running node tells the user's other processes.
type runningNode struct {
	Network     string   `json:"network"`
	City        string   `json:"city"`
	Peer        string   `json:"peer"`
	IdentityKey string   `json:"identity_key"`
	Addrs       []string `json:"addrs"` // each with /p2p
	PID         int      `json:"pid"`
}

// runtimeFile is the file of a node of this process. It counts while it is
// locked, and it is locked while the process lives, so no crash leaves a node
// listed that is gone.
type runtimeFile struct{ file *os.File }

// publishNode lists a node in the runtime folder. Each call makes a file of
// its own name, so that whoever removes a dead one never removes this one.
func publishNode(dir string, n runningNode) (*runtimeFile, error) {
	b, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("list the node: %w", err)
	}
	f, err := os.CreateTemp(dir, "node-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("list the node: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		_, err = tryLock(f, false)
	}
	if err == nil {
		err = os.Rename(f.Name(), f.Name()+".json")
	}
	if err != nil {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		return nil, fmt.Errorf("list the node: %w", err)
	}
	return &runtimeFile{file: f}, nil
}

// remove takes the node off the list.
func (r *runtimeFile) remove() {
	// Should this fail, the file is unlocked, and the next reader removes it.
	_ = os.Remove(r.file.Name() + ".json")
	r.file.Close()
}

// runningNodes lists the nodes in the runtime folder by network, city and peer,
// and clears away what crashed nodes left behind.
func runningNodes(dir string) ([]runningNode, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list running nodes: %w", err)
	}
	var nodes []runningNode
	for _, entry := range entries[:min(len(entries), runtimeFilesMax)] {
		path := filepath.Join(dir, entry.Name())
		if ok, _ := filepath.Match(runtimePattern, entry.Name()); !ok || !entry.Type().IsRegular() {
			continue
		}
		if n, ok := readRuntimeFile(path); ok {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b runningNode) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.City, b.City), cmp.Compare(a.Peer, b.Peer))
	})
	return nodes, nil
}

// readRuntimeFile reads the file of a node that runs, and removes that of one
// that does not.
func readRuntimeFile(path string) (runningNode, bool) {
	f, err := os.Open(path)
	if err != nil {
		return runningNode{}, false
	}
	defer f.Close()
	if stale, err := tryLock(f, true); stale || err != nil {
		if stale {
			_ = os.Remove(path) // somebody else may have been faster
		}
		return runningNode{}, false
	}
	b, err := io.ReadAll(io.LimitReader(f, runtimeBytesMax))
	if err != nil {
		return runningNode{}, false
	}
	var n runningNode
	if err := json.Unmarshal(b, &n); err != nil {
		return runningNode{}, false
	}
	return n, true
}
