package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/atomicfile"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/userfile"
)

// The names of what is in a city's folder beside its lock.
const (
	KeyName   = "identity.key"
	StoreName = "store"
)

// KeyPath returns where the identity of a city is kept, in its folder.
func KeyPath(folder string) string { return filepath.Join(folder, KeyName) }

// StorePath returns where the store of a city is kept, in its folder.
func StorePath(folder string) string { return filepath.Join(folder, StoreName) }

// Config says whose folder it is. Path, Network and City are required.
type Config struct {
	// Path is the folder, which is made, 0700, where there is none.
	Path string
	// Network and City are those of the city.
	Network, City string
	// Identity is the city's key. nil: the one in the folder, made on first use.
	Identity crypto.PrivKey
	// Ephemeral has no store opened or made.
	Ephemeral bool
}

// A Folder is a city's folder that this process has the lock of.
type Folder struct {
	Identity crypto.PrivKey
	Store    *store.Store // nil: ephemeral

	lock *Lock
}

// A LostKeyError says that a folder has a store, but not the key of its city.
type LostKeyError struct {
	City, Network string
	Path          string // of the key
	Peer          string // the peer whose store it is
}

// Error says which key is gone, and whose store is there.
func (e *LostKeyError) Error() string {
	return fmt.Sprintf("the key %s is gone, and the store beside it is that of its peer %s", e.Path, e.Peer)
}

// Open takes the lock of a folder, reads or makes its key, and opens its store. Close
// undoes it. The error is a *[LockedError] if another node uses the folder, a
// *[LostKeyError], or one of package store.
func Open(cfg Config) (*Folder, error) {
	// The folder has a private key: others of this machine must not look into it.
	if err := atomicfile.MakeFolder(cfg.Path, 0o700); err != nil {
		return nil, fmt.Errorf("make the city's folder: %w", err)
	}
	lock, err := LockFolder(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("lock the city's folder: %w", err)
	}
	f := &Folder{lock: lock}
	if err := f.open(cfg); err != nil {
		lock.Release()
		return nil, err
	}
	return f, nil
}

// open reads what the folder has, once the lock is taken. What can be refused without
// making anything comes first: a folder that is refused is left as it was.
func (f *Folder) open(cfg Config) (err error) {
	if err := checkOwner(cfg); err != nil {
		return err
	}
	if f.Identity, err = identity(cfg); err != nil {
		return err
	}
	if cfg.Ephemeral {
		return nil
	}
	f.Store, err = OpenStore(cfg, f.Identity)
	return err
}

// checkOwner fails if the folder has the store of another city or network, whether that
// store is to be opened or not: its key must not become another city's too.
func checkOwner(cfg Config) error {
	have, err := store.Whose(StorePath(cfg.Path))
	if err != nil || have.City == "" || have.City == cfg.City && have.Network == cfg.Network {
		return nil //nolint:nilerr // there is none, or opening it says what is wrong
	}
	want := store.Identity{City: cfg.City, Network: cfg.Network, Peer: have.Peer}
	return &store.ForeignError{Dir: StorePath(cfg.Path), Have: have, Want: want}
}

// identity returns the key by which the city is known: the one that was given, which
// must be that of the folder if the folder has one, or the folder's, made on first
// use.
func identity(cfg Config) (crypto.PrivKey, error) {
	path := KeyPath(cfg.Path)
	_, err := os.Lstat(path)
	absent := errors.Is(err, fs.ErrNotExist)
	switch {
	case cfg.Identity != nil && absent:
		return cfg.Identity, nil
	case absent:
		// A fresh key would be that of a peer whose store this is not.
		if of, err := store.Whose(StorePath(cfg.Path)); err == nil {
			return nil, &LostKeyError{City: cfg.City, Network: cfg.Network, Path: path, Peer: of.Peer}
		}
	}
	key, err := userfile.KeyFile(path)
	if err == nil && cfg.Identity != nil && !cfg.Identity.Equals(key) {
		return nil, fmt.Errorf("the key that was given is not %s, which the folder belongs to", path)
	}
	return key, err
}

// OpenStore opens the store in a folder whose lock the caller has, and makes it where
// there is none.
func OpenStore(cfg Config, key crypto.PrivKey) (*store.Store, error) {
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return store.Open(StorePath(cfg.Path), store.Config{
		Identity: store.Identity{City: cfg.City, Network: cfg.Network, Peer: id.String()},
	})
}

// Close closes the store and gives the lock back, in this order: the next node must find
// the store closed. The lock is given back also where the store does not close well.
func (f *Folder) Close() error {
	var err error
	if f.Store != nil {
		err = f.Store.Close()
	}
	f.lock.Release()
	return err
}

// abandoned are the folders whose locks last until the process ends: a lock that nobody
// refers to ends with the collector's next cycle.
var abandoned sync.Map // of *Folder to nothing

// Abandon closes the store, and keeps the lock until the process ends. It is for a city
// of which a part goes on that cannot be ended.
func (f *Folder) Abandon() error {
	abandoned.Store(f, nil)
	if f.Store == nil {
		return nil
	}
	return f.Store.Close()
}

// Lock returns the lock of the folder, for a caller that closes the store by itself.
func (f *Folder) Lock() *Lock { return f.lock }
