package main

import (
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

const operatorKeyName = "operator.key"

// operatorKeyPath is where the identity of the command line is kept.
func operatorKeyPath() (string, error) {
	dir, err := configFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, operatorKeyName), nil
}

// operatorKey is the identity of the command line, made on first use.
func operatorKey() (crypto.PrivKey, error) {
	path, err := operatorKeyPath()
	if err != nil {
		return nil, err
	}
	key, err := keyFile(path)
	return key, writeError(err, envConfigHome)
}

// operatorPeer is the peer ID of the command line.
func operatorPeer() (peer.ID, error) {
	key, err := operatorKey()
	if err != nil {
		return "", err
	}
	return peer.IDFromPrivateKey(key)
}
