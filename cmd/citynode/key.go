package main

import (
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/operator"
)

func newKey(g *globals) *cobra.Command {
	return newGroup("key", "Print the identities of this user", newKeyIdentity(g))
}

// operatorKey returns the identity of the command line, made on first use.
func operatorKey() (crypto.PrivKey, error) {
	key, err := operator.Key()
	return key, writeError(err, operator.EnvConfigHome)
}

// operatorPeer returns the peer ID of the command line.
func operatorPeer() (peer.ID, error) {
	key, err := operatorKey()
	if err != nil {
		return "", err
	}
	return peer.IDFromPrivateKey(key)
}
