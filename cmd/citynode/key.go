package main

import (
	"crypto/rand"
	"os"

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
	return key, writeError(err, operator.ChosenBy(operator.EnvConfigHome))
}

// callerKey returns the identity of a command that calls cities. A command that asks needs
// no home that can be written to: where no key is, and none can be made, it has one in
// memory, and is nobody's admin. A key that is there and cannot be used is an error.
func (g *globals) callerKey() (crypto.PrivKey, error) {
	key, err := operatorKey()
	if err == nil || operatorKeyExists() {
		return key, err
	}
	g.keyless = err
	key, _, err = crypto.GenerateEd25519Key(rand.Reader)
	return key, err
}

func operatorKeyExists() bool {
	path, err := operator.KeyPath()
	if err != nil {
		return false
	}
	_, err = os.Lstat(path)
	return err == nil
}

// operatorPeer returns the peer ID of the command line.
func operatorPeer() (peer.ID, error) {
	key, err := operatorKey()
	if err != nil {
		return "", err
	}
	return peer.IDFromPrivateKey(key)
}
