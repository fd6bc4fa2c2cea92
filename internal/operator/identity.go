package operator

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/userfile"
	"github.com/citynode/citynode/protocol"
)

// An Identity is the key of a city that this user has run on this machine.
type Identity struct {
	Network string  `json:"network"`
	City    string  `json:"city"`
	Peer    peer.ID `json:"peer"`
	Key     string  `json:"key"`
}

// Identities returns the identities in the state folder, of one network or, if
// network is empty, of all, by network and city. Keys that cannot be read are left
// out: one that is damaged, or open to others, must not hide the rest.
func Identities(network string) ([]Identity, error) {
	state, err := StateFolder()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(globQuote(state), "*", "*", datadir.KeyName))
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	slices.Sort(paths)
	identities := []Identity{}
	for _, path := range paths {
		found, err := identityAt(path)
		if err == nil && (network == "" || found.Network == network) {
			identities = append(identities, found)
		}
	}
	return identities, nil
}

// identityAt reads the key at a path, which has the names of its network and city. A
// folder whose name no city can have was made by something else.
func identityAt(path string) (Identity, error) {
	folder := filepath.Dir(path)
	found := Identity{City: filepath.Base(folder), Network: filepath.Base(filepath.Dir(folder)), Key: path}
	if err := crdt.ValidateCityName(found.City); err != nil {
		return Identity{}, err
	}
	if err := protocol.ValidateNetwork(found.Network); err != nil {
		return Identity{}, err
	}
	key, err := userfile.ReadKey(path)
	if err != nil {
		return Identity{}, err
	}
	found.Peer, err = peer.IDFromPrivateKey(key)
	return found, err
}

// globQuote returns the pattern that matches the path alone, whatever characters
// the path has.
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
