package operator

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/userfile"
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

// A RunningNode is what a running node tells the user's other processes.
type RunningNode struct {
	Network     string   `json:"network"`
	City        string   `json:"city"`
	Peer        string   `json:"peer"`
	IdentityKey string   `json:"identity_key"`
	Addrs       []string `json:"addrs"` // each with /p2p
	PID         int      `json:"pid"`
}

// AddrInfo returns who the node is and where it listens. Its error says that
// another version has written the listing.
func (n RunningNode) AddrInfo() (peer.AddrInfo, error) {
	id, err := peer.Decode(n.Peer)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	info := peer.AddrInfo{ID: id}
	for _, s := range n.Addrs {
		addr, err := ma.NewMultiaddr(s)
		if err != nil {
			return peer.AddrInfo{}, err
		}
		transport, _ := peer.SplitAddr(addr)
		info.Addrs = append(info.Addrs, transport)
	}
	return info, nil
}

// A Listing is the file of a node of this process in the runtime folder. It
// counts while it is locked, and it is locked while the process lives, so no crash
// leaves a node listed that is gone.
type Listing struct{ file *os.File }

// Publish lists a node in the runtime folder. Each call makes a file of its own
// name, so that whoever removes a dead one never removes this one.
func Publish(runtimeFolder string, n RunningNode) (*Listing, error) {
	b, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("list the node: %w", err)
	}
	// Written and locked before it has the name that readers look for: none of them may
	// find it half written, or take it for that of a dead node.
	f, err := os.CreateTemp(runtimeFolder, "node-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("list the node: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		_, err = userfile.TryLock(f, false)
	}
	if err == nil {
		err = os.Rename(f.Name(), f.Name()+".json")
	}
	if err != nil {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		return nil, fmt.Errorf("list the node: %w", err)
	}
	return &Listing{file: f}, nil
}

// Remove takes the node off the list.
func (l *Listing) Remove() {
	// Should this fail, the file is unlocked, and the next reader removes it.
	_ = os.Remove(l.file.Name() + ".json")
	l.file.Close()
}

// RunningNodes returns the nodes that are listed in the runtime folder, by
// network, city and peer, and clears away what crashed nodes left behind. It is how things
// are at one moment: a node may end before the caller dials it.
func RunningNodes(runtimeFolder string) ([]RunningNode, error) {
	entries, err := os.ReadDir(runtimeFolder)
	if err != nil {
		return nil, fmt.Errorf("list running nodes: %w", err)
	}
	var nodes []RunningNode
	// The folder has other files too, such as the lock of starts, and nobody reads those.
	for _, entry := range entries[:min(len(entries), runtimeFilesMax)] {
		path := filepath.Join(runtimeFolder, entry.Name())
		if ok, _ := filepath.Match(runtimePattern, entry.Name()); !ok || !entry.Type().IsRegular() {
			continue
		}
		if n, ok := readRuntimeFile(path); ok {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b RunningNode) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.City, b.City), cmp.Compare(a.Peer, b.Peer))
	})
	return nodes, nil
}

// readRuntimeFile returns the node that a file lists, if that runs, and removes
// the file if not. It asks for a shared lock: readers do not keep each other out, and
// take nobody for dead because another one is looking.
func readRuntimeFile(path string) (RunningNode, bool) {
	f, err := os.Open(path)
	if err != nil {
		return RunningNode{}, false
	}
	defer f.Close()
	if stale, err := userfile.TryLock(f, true); stale || err != nil {
		if stale {
			_ = os.Remove(path) // somebody else may have been faster
		}
		return RunningNode{}, false
	}
	// What is longer is cut off and then is no JSON, so it lists nobody.
	b, err := io.ReadAll(io.LimitReader(f, runtimeBytesMax))
	if err != nil {
		return RunningNode{}, false
	}
	var n RunningNode
	if err := json.Unmarshal(b, &n); err != nil {
		return RunningNode{}, false
	}
	return n, true
}
