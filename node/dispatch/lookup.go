package dispatch

import (
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

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
	found.Addrs = believable(found.Addrs, l.dispatcher.host.Network().ConnsToPeer(l.Peer().ID))
	return found, nil
}

// addrsMax is how many addresses a node may tell of a city. A host with a few networks has
// two for each, and all of them are dialed.
const addrsMax = 16

// believable returns those of the addresses of a city that a node may tell which is reached
// over these connections. Who asks a node far away must not be had dial into the network
// that it stands in itself, nor on the word of a neighbour into its own machine.
func believable(addrs []ma.Multiaddr, node []network.Conn) (some []ma.Multiaddr) {
	for _, addr := range addrs {
		if len(some) < addrsMax && slices.ContainsFunc(node, func(c network.Conn) bool { return mayTell(c, addr) }) {
			some = append(some, addr)
		}
	}
	return some
}

// mayTell reports whether the other side of a connection may be at the address too, or
// nearer to it than this host.
func mayTell(c network.Conn, addr ma.Multiaddr) bool {
	from := c.RemoteMultiaddr()
	switch {
	case manet.IsPublicAddr(addr) || manet.IsIPLoopback(from) || sameMachine(c):
		return true
	case manet.IsPublicAddr(from):
		return false
	}
	return !manet.IsIPLoopback(addr)
}

// sameMachine reports whether both ends of a connection have one IP address.
func sameMachine(c network.Conn) bool {
	there, err := manet.ToIP(c.RemoteMultiaddr())
	if err != nil {
		return false
	}
	here, err := manet.ToIP(c.LocalMultiaddr())
	return err == nil && here.Equal(there)
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
