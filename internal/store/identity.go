package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// formatVersion is the version of the folder's form, which doc.go describes. A program
// refuses a folder of a later version, and changes nothing in it.
const formatVersion = 1

const (
	identityName     = "identity"
	identityNewName  = "identity.new"
	databaseName     = "db"
	identityBytesMax = 64 << 10 // far more than names take
	filesNamedMax    = 5
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errOpened  = errors.New("it is open in this process")
	errEmpty   = errors.New("it is empty")
)

// Identity is whose store it is.
type Identity struct {
	City    string // the city's name
	Network string // the network's name
	Peer    string // the peer ID as text
}

// String names all three.
func (id Identity) String() string {
	return fmt.Sprintf("city %q in network %q, peer %q", id.City, id.Network, id.Peer)
}

// Whose returns whose store a folder holds, and changes nothing. The error matches
// fs.ErrNotExist where there is no store. It takes no lock: an identity is never
// changed once it has its name.
func Whose(dir string) (Identity, error) {
	f := folder{fs: vfs.Default, dir: dir}
	text, err := readFile(f.fs, f.path(identityName), identityBytesMax)
	if err != nil {
		return Identity{}, fmt.Errorf("look at store %s: %w", dir, err)
	}
	_, id, err := parseIdentity(text)
	return id, err
}

// folder is where a store lies.
type folder struct {
	fs  vfs.FS
	dir string
}

func (f folder) path(name string) string { return f.fs.PathJoin(f.dir, name) }

// check reports whether the folder holds a store of want, and changes nothing.
// whole is false if there is none yet, or if making it was cut off.
func (f folder) check(want Identity) (whole bool, err error) {
	names, err := f.fs.List(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open store %s: %w", f.dir, err)
	}
	switch {
	// With this the store is whole, whatever else lies there.
	case slices.Contains(names, identityName):
		return true, f.checkFile(identityName, want)
	case slices.Contains(names, identityNewName):
		return false, f.checkFile(identityNewName, want)
	// They are not ours, so nothing is made among them.
	case len(names) > 0:
		slices.Sort(names)
		return false, &NotStoreError{Dir: f.dir, Files: names[:min(len(names), filesNamedMax)]}
	}
	return false, nil
}

func (f folder) checkFile(name string, want Identity) error {
	text, err := readFile(f.fs, f.path(name), identityBytesMax)
	if err != nil {
		return fmt.Errorf("open store %s: %w", f.dir, err)
	}
	version, have, err := parseIdentity(text)
	switch {
	case err != nil && name == identityNewName && bytes.HasPrefix(formatIdentity(want), text):
		return nil // the disk was full, say
	case err != nil && name == identityNewName:
		return &HalfCreatedError{Dir: f.dir, Err: err}
	case err != nil:
		return &CorruptError{File: f.path(name), Offset: -1, Err: err}
	case version > formatVersion:
		return &NewerError{Dir: f.dir, Have: version, Want: formatVersion}
	case have != want:
		return &ForeignError{Dir: f.dir, Have: have, Want: want}
	}
	return nil
}

// read returns whose store it is, and changes nothing. The error is a *[CorruptError], a
// *[NewerError], or that of the disk.
func (f folder) read() (Identity, error) {
	text, err := readFile(f.fs, f.path(identityName), identityBytesMax)
	if err != nil {
		return Identity{}, fmt.Errorf("read store: %w", err)
	}
	version, id, err := parseIdentity(text)
	if err != nil {
		return Identity{}, &CorruptError{File: f.path(identityName), Offset: -1, Err: err}
	}
	if version > formatVersion {
		return Identity{}, &NewerError{Dir: f.dir, Have: version, Want: formatVersion}
	}
	return id, nil
}

// begin writes the identity, durably, and removes what a creation that was cut
// off may have left.
func (f folder) begin(id Identity) error {
	if err := f.fs.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	// Without this a crash may take away the folder itself, with all that is in it.
	if err := syncDir(f.fs, f.fs.PathDir(f.dir)); err != nil {
		return err
	}
	if err := writeFile(f.fs, f.path(identityNewName), formatIdentity(id)); err != nil {
		return err
	}
	if err := syncDir(f.fs, f.dir); err != nil {
		return err
	}
	// Only now: a folder with identity.new holds nothing that was acknowledged, so what
	// a creation that was cut off has left may go.
	if err := f.fs.RemoveAll(f.path(databaseName)); err != nil {
		return err
	}
	return f.fs.MkdirAll(f.path(databaseName), 0o755)
}

// finish makes the store a whole one. The database is closed and durable already; from
// the rename on it counts.
func (f folder) finish() error {
	if err := f.fs.Rename(f.path(identityNewName), f.path(identityName)); err != nil {
		return err
	}
	return syncDir(f.fs, f.dir)
}

// formatIdentity returns the text. The names are quoted, so that none of them can
// contain a line.
func formatIdentity(id Identity) []byte {
	text := fmt.Appendf(nil, "citynode store\nformat %d\ncity %q\nnetwork %q\npeer %q\n", formatVersion, id.City, id.Network, id.Peer)
	return fmt.Appendf(text, "crc32c %08x\n", crc32.Checksum(text, castagnoli))
}

// parseIdentity reads the version of any format, and the rest if it is ours. The first two
// lines stay as they are in all formats, so that an old program can name a newer one. To
// format what was read again and compare checks form and checksum at once.
func parseIdentity(text []byte) (version int, id Identity, err error) {
	if len(text) == 0 {
		return 0, id, errEmpty
	}
	if _, err := fmt.Sscanf(string(text), "citynode store\nformat %d\n", &version); err != nil {
		return 0, id, fmt.Errorf("not an identity: %w", errMalformed)
	}
	if version > formatVersion {
		return version, id, nil
	}
	_, err = fmt.Sscanf(string(text), "citynode store\nformat %d\ncity %q\nnetwork %q\npeer %q\n",
		&version, &id.City, &id.Network, &id.Peer)
	if err != nil || version != formatVersion || !bytes.Equal(formatIdentity(id), text) {
		return 0, id, fmt.Errorf("checksum or form of the identity: %w", errMalformed)
	}
	return version, id, nil
}

// readFile reads at most bytesMax bytes, and drops the rest: whoever calls it has a
// bound far above what such a file may have.
func readFile(fs vfs.FS, path string, bytesMax int64) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, bytesMax))
}

// writeFile writes a file and syncs it. That the folder has it is for the caller to sync.
func writeFile(fs vfs.FS, path string, text []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes durable which files the folder has: the sync of a file is not enough for
// its name.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
