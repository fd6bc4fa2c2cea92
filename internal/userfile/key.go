package userfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/citynode/citynode/internal/atomicfile"
)

// keyBytesMax bounds a key file: RSA keys of 8192 bits, the largest in use,
// have about 4.7 KB.
// syncFolder is atomicfile.SyncFolder. Tests listen to it.
var syncFolder = atomicfile.SyncFolder

const keyBytesMax = 64 << 10

// KeyFile returns the private key at path, in libp2p's protobuf form, and makes
// a new one, 0600, where there is none. Of any number of processes that do so
// at once all get the same key.
func KeyFile(path string) (crypto.PrivKey, error) {
	key, err := ReadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeKey(path); err != nil {
		return nil, fmt.Errorf("make key %s: %w", path, err)
	}
	return ReadKey(path)
}

// ReadKey returns the private key at path. The error matches fs.ErrNotExist if
// there is none, and says what to do if others can use the file.
func ReadKey(path string) (crypto.PrivKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", path, err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("key %s is a folder: move it away, and a new key is made", path)
	}
	if OpenToOthers(info) {
		return nil, fmt.Errorf("key %s can be used by other users (mode %04o): run chmod 600 %s; "+
			"if others may have read it, move it away instead, and a new one is made",
			path, info.Mode().Perm(), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, keyBytesMax))
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", path, err)
	}
	key, err := crypto.UnmarshalPrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("key %s is not a libp2p private key: %w; "+
			"put the right file back, or move it away, and a new key is made, which is a new identity", path, err)
	}
	return key, nil
}

// makeKey puts a new key at path unless somebody else is faster: a link, unlike
// a rename, replaces nothing, and nobody sees a half-written key.
func makeKey(path string) error {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return err
	}
	b, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := atomicfile.MakeFolder(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// What is signed and stored under the key outlives a crash, so the key must.
	return syncFolder(dir)
}
