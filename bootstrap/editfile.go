package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/citynode/citynode/internal/atomicfile"
)

// AppendPeerToFile adds item, an address that [ParsePeers] accepts, as the last
// line of the file. It makes the file (0600, its folder 0700) if there is none. It
// returns false if the address is in the file already. All other lines stay as
// they are, and readers see the old file or the new one. Callers in several
// processes take turns, by a lock file beside it that ends in .lock.
func AppendPeerToFile(path, item string) (added bool, err error) {
	addr, err := parsePeer(item)
	if err != nil {
		return false, &ItemError{Item: item, Err: err}
	}
	err = editFile(path, func(lines []string) ([]string, error) {
		for _, line := range lines {
			if have, err := parsePeer(withoutComment(line)); err == nil && have.Equal(addr) {
				return lines, nil
			}
		}
		added = true
		return append(lines, addr.String()), nil
	})
	return added && err == nil, err
}

// RemovePeerFromFile removes the lines that hold item, an address or a peer ID. A
// peer ID removes every line of that peer. It returns the number of lines removed,
// 0 if there is no file. All other lines stay as they are, bad ones too.
func RemovePeerFromFile(path, item string) (removed int, err error) {
	matches, err := lineMatcher(item)
	if err != nil {
		return 0, err
	}
	// Otherwise an edit would make the folder and a lock file where there is nothing to
	// remove.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	err = editFile(path, func(lines []string) ([]string, error) {
		kept := make([]string, 0, len(lines))
		for _, line := range lines {
			if matches(line) {
				removed++
				continue
			}
			kept = append(kept, line)
		}
		return kept, nil
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// lineMatcher returns a function that reports whether RemovePeerFromFile is to
// remove a line.
func lineMatcher(item string) (func(line string) bool, error) {
	if id, err := peer.Decode(strings.TrimSpace(item)); err == nil {
		return func(line string) bool {
			addr, err := parsePeer(withoutComment(line))
			if err != nil {
				return false
			}
			_, have := peer.SplitAddr(addr)
			return have == id
		}, nil
	}
	addr, err := parsePeer(item)
	if err != nil {
		return nil, &ItemError{Item: item, Err: err}
	}
	return func(line string) bool {
		have, err := parsePeer(withoutComment(line))
		return err == nil && have.Equal(addr)
	}, nil
}

// editFile replaces the lines of a file by those that edit returns, under a lock.
func editFile(path string, edit func(lines []string) ([]string, error)) error {
	path, err := followLinks(path)
	if err != nil {
		return fmt.Errorf("edit bootstrap peers: %w", err)
	}
	if err := atomicfile.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("edit bootstrap peers: %w", err)
	}
	// The lock is a file beside it: the file itself is replaced, and a lock on it would
	// stay with the old one.
	unlock, err := lockedfile.MutexAt(path + ".lock").Lock()
	if err != nil {
		return fmt.Errorf("edit bootstrap peers: %w", err)
	}
	defer unlock()
	// Read under the lock, so that no edit of another process is lost. The file keeps
	// its mode.
	lines, mode, err := readLines(path)
	if err != nil {
		return fmt.Errorf("edit bootstrap peers: %w", err)
	}
	before := len(lines)
	lines, err = edit(lines)
	if err != nil || len(lines) == before {
		return err
	}
	return atomicfile.Write(path, []byte(joinLines(lines)), mode)
}

// followLinks returns the file that path leads to. atomicfile would replace a
// link by a file.
func followLinks(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return real, err
}

// readLines returns the lines without their ends, and the file's mode. If there is
// no file it returns no lines and mode 0600.
func readLines(path string) ([]string, fs.FileMode, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0o600, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if info.Size() > fileBytesMax {
		return nil, 0, fmt.Errorf("%s: larger than %d bytes", path, fileBytesMax)
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return nil, info.Mode().Perm(), err
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"), info.Mode().Perm(), nil
}

// joinLines returns the text of a file, which ends with a line end so that people can
// append to it by hand.
func joinLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
