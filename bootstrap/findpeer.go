package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// findPeerTimeout bounds a search for a peer, whatever the caller's context
// allows.
const findPeerTimeout = 10 * time.Second

// FindPeer asks the DHT for the addresses of a peer, for at most 10 s. The
// addresses are a hint: whoever answers there proves its peer ID when it is
// dialed.
func (n *Names) FindPeer(ctx context.Context, id peer.ID) (peer.AddrInfo, error) {
	findCtx, end, err := n.begin(ctx)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	defer end()
	findCtx, cancel := context.WithTimeout(findCtx, findPeerTimeout)
	defer cancel()
	found, err := n.dht.FindPeer(findCtx, id)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("find peer %s: %w", id, err)
	}
	return found, nil
}
