package operator

import (
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/citynode/citynode/internal/userfile"
)

const operatorKeyName = "operator.key"

// KeyPath returns where the identity of the command line is kept: with the configuration,
// not with the state of any city, since one operator has many cities and is an admin of
// theirs by this key.
func KeyPath() (string, error) {
	dir, err := ConfigFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, operatorKeyName), nil
}

// Key returns the identity of the command line, which is made on first use.
func Key() (crypto.PrivKey, error) {
	path, err := KeyPath()
	if err != nil {
		return nil, err
	}
	return userfile.KeyFile(path)
}
