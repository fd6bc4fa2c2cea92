package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/atomicfile"
)

const (
	// savedMax bounds the saved peers: enough that some of them are up after a long
	// absence, few enough that all can be tried within minutes.
	savedMax = 256
	// addrsMax bounds the addresses of one peer. A host on IPv4 and IPv6 with
	// four transports on two interfaces has 16.
	addrsMax = 16
	// addrBytesMax bounds one address, because the peer itself chose it. The longest
	// in use have about 400 bytes.
	addrBytesMax = 512
)

const savedHeader = "# Peers met lately, the newest first. Written by citynode; one address a line."

// A CorruptError says that the file of saved peers was damaged. The lines that
// could be read are in the list, and the file has been moved to SetAside.
type CorruptError struct {
	Path     string
	SetAside string // the path to which the damaged file was moved
	Err      error
}

// Error says where the damaged file is now.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("saved peers are damaged, the file is kept as %s: %v", e.SetAside, e.Err)
}

// Unwrap returns what is wrong with the file.
func (e *CorruptError) Unwrap() error { return e.Err }

// Saved is the list of the peers met lately, newest first: at most 256 peers with
// at most 16 addresses each. It is safe for concurrent use. Changes are in memory
// until Flush writes them. A [Redialer] flushes the Saved that it was given.
type Saved struct {
	path    string
	changed chan struct{} // holds one token after a change
	writing chan struct{} // holds the token of the one Flush that may write

	mu      sync.Mutex // guards peers, version, written
	peers   []peer.AddrInfo
	version uint64
	written uint64 // the version that the file holds
}

// OpenSaved reads the list from path. If there is no file the list is empty, and
// if path is "" the list is never written. If the file was damaged, OpenSaved sets
// it aside and returns a [*CorruptError] and a list that can be used. If the file
// cannot be read, it returns another error and no list.
func OpenSaved(path string) (*Saved, error) {
	s := &Saved{path: path, changed: make(chan struct{}, 1), writing: make(chan struct{}, 1)}
	if path == "" {
		return s, nil
	}
	addrs, err := readSaved(path)
	s.load(addrs)
	if _, corrupt := errors.AsType[*CorruptError](err); corrupt {
		s.touch() // the good lines are in no file now
		return s, err
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// readSaved returns the good lines of the file. It moves a damaged file aside.
func readSaved(path string) ([]ma.Multiaddr, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read saved peers: %w", err)
	}
	defer f.Close()
	addrs, err := readLineAddrs(path, f, savedMax*addrsMax)
	if err == nil {
		return addrs, nil
	}
	aside := path + ".corrupt"
	// The owner can look at what it was. A copy that was set aside before is
	// overwritten: one is enough.
	if err := os.Rename(path, aside); err != nil {
		return nil, fmt.Errorf("set damaged saved peers aside: %w", err)
	}
	return addrs, &CorruptError{Path: path, SetAside: aside, Err: err}
}

// load sets the list to what was read.
func (s *Saved) load(addrs []ma.Multiaddr) {
	s.peers = mergePeers(addrs)
	if len(s.peers) > savedMax {
		s.peers = s.peers[:savedMax]
	}
}

// Peers returns a copy of the list, newest first.
func (s *Saved) Peers() []peer.AddrInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := make([]peer.AddrInfo, len(s.peers))
	for i, info := range s.peers {
		infos[i] = peer.AddrInfo{ID: info.ID, Addrs: slices.Clone(info.Addrs)}
	}
	return infos
}

// Remember puts a peer first in the list, with these addresses in place of those
// known before. If none of the addresses can be dialed, Remember does nothing. If
// the list is full, the oldest peer is dropped.
func (s *Saved) Remember(info peer.AddrInfo) {
	addrs := savableAddrs(info)
	if info.ID.Validate() != nil || len(addrs) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Nothing changes, so nothing is written: a peer is identified at each of its
	// connections.
	if len(s.peers) > 0 && s.peers[0].ID == info.ID && slices.EqualFunc(s.peers[0].Addrs, addrs, ma.Multiaddr.Equal) {
		return
	}
	s.peers = slices.DeleteFunc(s.peers, func(p peer.AddrInfo) bool { return p.ID == info.ID })
	s.peers = slices.Insert(s.peers, 0, peer.AddrInfo{ID: info.ID, Addrs: addrs})
	if len(s.peers) > savedMax {
		s.peers = slices.Delete(s.peers, savedMax, len(s.peers))
	}
	s.touch()
}

// Forget removes a peer.
func (s *Saved) Forget(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.peers)
	s.peers = slices.DeleteFunc(s.peers, func(p peer.AddrInfo) bool { return p.ID == id })
	if len(s.peers) != before {
		s.touch()
	}
}

// touch marks a change. The caller holds s.mu.
func (s *Saved) touch() {
	s.version++
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Flush writes the list if it has changed since it was last read or written. It
// replaces the file by a new one with mode 0600. After an error the list stays changed,
// and the next Flush tries again.
func (s *Saved) Flush() error {
	if s.path == "" {
		return nil
	}
	// The lock is free during the write, so that Remember never waits for the disk.
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	text, version, dirty := s.snapshot()
	if !dirty {
		return nil
	}
	if err := atomicfile.Write(s.path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write saved peers: %w", err)
	}
	s.wrote(version)
	return nil
}

// wrote notes which version the file has. There may be a later one by now.
func (s *Saved) wrote(version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = version
}

// snapshot returns the text of the file, its version, and whether the file on disk
// is older.
func (s *Saved) snapshot() (text string, version uint64, dirty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	b.WriteString(savedHeader + "\n")
	for _, info := range s.peers {
		for _, addr := range info.Addrs {
			fmt.Fprintf(&b, "%s/p2p/%s\n", addr, info.ID)
		}
	}
	return b.String(), s.version, s.version != s.written
}

// savableAddrs returns the distinct addresses of a peer that can be dialed, without
// /p2p, within the bounds on their number and length.
func savableAddrs(info peer.AddrInfo) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, addr := range info.Addrs {
		transport, _ := peer.SplitAddr(addr)
		if len(transport) == 0 || len(transport.Bytes()) > addrBytesMax || checkTransport(transport) != nil {
			continue
		}
		addrs = addAddr(addrs, transport)
	}
	return addrs
}
