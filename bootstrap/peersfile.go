package bootstrap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
)

// fileBytesMax bounds a file of addresses. It has room for peersMax addresses of
// the greatest length, with comments.
const fileBytesMax = 4 << 20

// A LineError is what is wrong with one line of a file of addresses.
type LineError struct {
	Path string
	Line int    // counted from 1
	Text string // the line, without its comment
	Err  error
}

// Error names the file and the line, as compilers do.
func (e *LineError) Error() string {
	return fmt.Sprintf("%s:%d: %s: %v", e.Path, e.Line, quoted(e.Text), e.Err)
}

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// ReadPeersFile reads the addresses of peers as [ParsePeers] does, one a line. A #
// at the start of a line or after white space begins a comment. Blank lines are
// skipped. ReadPeersFile returns the good addresses and an error that joins one
// [*LineError] for each bad line, or the error of opening or reading the file.
func ReadPeersFile(path string) ([]ma.Multiaddr, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read bootstrap peers: %w", err)
	}
	defer f.Close()
	return readLineAddrs(path, f, peersMax)
}

// readLineAddrs reads at most addrsMax distinct addresses.
func readLineAddrs(path string, r io.Reader, addrsMax int) ([]ma.Multiaddr, error) {
	list := peerList{max: addrsMax}
	// One byte more than the bound, so that a file that is too large differs from one
	// that just fits.
	limited := &io.LimitedReader{R: r, N: fileBytesMax + 1}
	lines := bufio.NewScanner(limited)
	// A line that is too long is a bad line with its number, and does not end the
	// reading.
	lines.Buffer(nil, fileBytesMax)
	for n := 1; lines.Scan(); n++ {
		text := withoutComment(lines.Text())
		if text == "" {
			continue
		}
		if err := list.add(text); err != nil {
			list.errs = append(list.errs, &LineError{Path: path, Line: n, Text: text, Err: err})
		}
	}
	if err := lines.Err(); err != nil {
		list.errs = append(list.errs, fmt.Errorf("read %s: %w", path, err))
	}
	if limited.N == 0 {
		list.errs = append(list.errs, fmt.Errorf("read %s: larger than %d bytes", path, fileBytesMax))
	}
	return list.addrs, errors.Join(list.errs...)
}

// withoutComment returns the address in a line, trimmed. A # within a word begins no
// comment: it stays, and makes the address a bad one.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
			break
		}
	}
	return strings.TrimSpace(line)
}
