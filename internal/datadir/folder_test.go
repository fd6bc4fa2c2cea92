package datadir

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/citynode/citynode/internal/store"
)

func gotham(path string) Config {
	return Config{Path: path, Network: "main", City: "gotham"}
}

// opened opens a folder and closes it again.
func opened(t *testing.T, cfg Config) *Folder {
	t.Helper()
	f, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAFolderIsMadeOnceAndOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cities", "gotham")
	first, again := opened(t, gotham(path)), opened(t, gotham(path))
	if !first.Identity.Equals(again.Identity) {
		t.Error("the key is another")
	}
	ephemeral := gotham(path)
	ephemeral.Ephemeral = true
	if f := opened(t, ephemeral); f.Store != nil || !f.Identity.Equals(first.Identity) {
		t.Error("an ephemeral city has a store, or another key")
	}
}

// A failure must not cost the folder its next start.
func TestAFolderIsOfOneCityOnOneNetworkUnderOneKey(t *testing.T) {
	path := t.TempDir()
	own := opened(t, gotham(path)).Identity
	other, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for fact, change := range map[string]func(*Config){
		"another city":                    func(c *Config) { c.City = "metropolis" },
		"another network":                 func(c *Config) { c.Network = "other" },
		"another network, and no store":   func(c *Config) { c.Network, c.Ephemeral = "other", true },
		"another key than the folder has": func(c *Config) { c.Identity = other },
	} {
		cfg := gotham(path)
		change(&cfg)
		f, err := Open(cfg)
		if err == nil {
			t.Errorf("%s: opened", fact)
			_ = f.Close()
		}
		if _, foreign := errors.AsType[*store.ForeignError](err); !foreign && cfg.Identity == nil {
			t.Errorf("%s: %v", fact, err)
		}
		same := gotham(path)
		same.Identity = own
		opened(t, same)
	}
}

func TestAStoreWhoseKeyIsGoneIsNotOpenedUnderANewOne(t *testing.T) {
	path := t.TempDir()
	opened(t, gotham(path))
	if err := os.Remove(KeyPath(path)); err != nil {
		t.Fatal(err)
	}
	_, err := Open(gotham(path))
	if lost, ok := errors.AsType[*LostKeyError](err); !ok || lost.City != "gotham" || lost.Peer == "" {
		t.Errorf("%v, want that the key is lost", err)
	}
	if _, err := os.Lstat(KeyPath(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new key was made: %v", err)
	}
}
