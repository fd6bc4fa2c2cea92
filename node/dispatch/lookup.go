package dispatch

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/protocol"
)

// Lookup asks the peer of the link where the city of that name is. The error
// matches protocol.ErrNotFound if there is none, and is a *[RelayedError] if that peer
// knows it only through others.
func (l *Link) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	var found peer.AddrInfo
	err := l.Call(ctx, func(c *protocol.Client) (err error) {
		found, err = lookUp(ctx, c, name)
		return orRelayed(ctx, c, name, err)
	})
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("look up city %s: %w", name, err)
	}
	return found, nil
}

func lookUp(ctx context.Context, c *protocol.Client, name string) (peer.AddrInfo, error) {
	reply, err := c.Lookup(ctx, name)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	info, err := bootstrap.ReadAddrInfo(reply.Peer, reply.Addrs)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("the node's answer: %w", err)
	}
	return info, nil
}
