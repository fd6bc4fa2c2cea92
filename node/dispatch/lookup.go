package dispatch

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/protocol"
)

// Lookup asks the peer of the link where the city of that name is. The error
// matches protocol.ErrNotFound if there is none.
func (l *Link) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	var found peer.AddrInfo
	err := l.Call(ctx, func(c *protocol.Client) (err error) {
		found, err = lookUp(ctx, c, name)
		return err
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
	return readLookup(reply)
}

// readLookup reads the answer to a lookup. It skips addresses that this version
// does not know, for a newer city may have some beside those that are known.
func readLookup(reply protocol.LookupReply) (peer.AddrInfo, error) {
	id, err := peer.IDFromBytes(reply.Peer)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("the node gave no valid peer ID: %w", err)
	}
	info := peer.AddrInfo{ID: id}
	for _, b := range reply.Addrs {
		if addr, err := ma.NewMultiaddrBytes(b); err == nil {
			info.Addrs = append(info.Addrs, addr)
		}
	}
	return info, nil
}
