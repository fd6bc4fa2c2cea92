package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/atomicfile"
)

// ListenName is the name, in the city's folder, of the file with the addresses on
// which a node that was told none listened last, one a line.
const ListenName = "listen"

// LastListen returns the addresses of the last start. A line that cannot be read is
// left out, and a file that cannot be read has no addresses: any port will do.
func LastListen(folder string) (addrs []ma.Multiaddr) {
	text, _ := os.ReadFile(filepath.Join(folder, ListenName))
	for line := range strings.Lines(string(text)) {
		if addr, err := ma.NewMultiaddr(strings.TrimSpace(line)); err == nil {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// KeepListen writes the addresses for the next start, unless they are there already, which
// spares most starts a write that is synced.
func KeepListen(folder string, addrs []ma.Multiaddr) error {
	var b strings.Builder
	for _, addr := range addrs {
		fmt.Fprintln(&b, addr)
	}
	path := filepath.Join(folder, ListenName)
	if old, err := os.ReadFile(path); err == nil && string(old) == b.String() {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return atomicfile.Write(path, []byte(b.String()), 0o600)
}
