package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

const identityKeyName = "identity.key"

// cityFolder is the folder in which one city of one network keeps its identity
// and what a node remembers, made if need be.
func cityFolder(network, city string) (string, error) {
	state, err := stateFolder()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(state, network, city)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the city's folder: %w", err)
	}
	return dir, nil
}

// identityPath is where a city's identity is kept, in its folder.
func identityPath(cityFolder string) string { return filepath.Join(cityFolder, identityKeyName) }

// identity is the key by which a city is known, made on first use. It is not made
// beside a store, which is that of another key.
func identity(cityFolder, city string) (crypto.PrivKey, error) {
	path := identityPath(cityFolder)
	if _, err := os.Lstat(path); absent(err) {
		if of, err := store.Whose(filepath.Join(cityFolder, storeName)); err == nil {
			return nil, withoutKey(failf(exitFailure, "the key %s is gone, and the store beside it is that of its peer %s", path, of.Peer), city)
		}
	}
	return keyFile(path)
}

// keptIdentity is an identity that this user has on this machine.
type keptIdentity struct {
	Network string  `json:"network"`
	City    string  `json:"city"`
	Peer    peer.ID `json:"peer"`
	Key     string  `json:"key"`
}

// keptIdentities lists the identities in the state folder, of one network or,
// if it is empty, of all, by network and city. Keys that cannot be read are
// left out.
func keptIdentities(network string) ([]keptIdentity, error) {
	state, err := stateFolder()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(globQuote(state), "*", "*", identityKeyName))
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	slices.Sort(paths)
	kept := []keptIdentity{}
	for _, path := range paths {
		found, err := identityAt(path)
		if err == nil && (network == "" || found.Network == network) {
			kept = append(kept, found)
		}
	}
	return kept, nil
}

func identityAt(path string) (keptIdentity, error) {
	folder := filepath.Dir(path)
	found := keptIdentity{City: filepath.Base(folder), Network: filepath.Base(filepath.Dir(folder)), Key: path}
	if err := crdt.ValidateCityName(found.City); err != nil {
		return keptIdentity{}, err
	}
	if err := protocol.ValidateNetwork(found.Network); err != nil {
		return keptIdentity{}, err
	}
	key, err := readKey(path)
	if err != nil {
		return keptIdentity{}, err
	}
	found.Peer, err = peer.IDFromPrivateKey(key)
	return found, err
}

// globQuote keeps what a path holds by chance from being read as a pattern.
func globQuote(path string) string {
	quoted := make([]byte, 0, len(path))
	for i := range len(path) {
		if c := path[i]; c == '*' || c == '?' || c == '[' || (c == '\\' && filepath.Separator != '\\') {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, path[i])
	}
	return string(quoted)
}
