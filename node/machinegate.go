package node

import (
	"slices"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// A machineGate keeps a node that is not open on its machine: whoever names an address, a
// list, a saved peer, another city or the DHT, no packet leaves loopback for it.
type machineGate struct {
	off atomic.Bool // a simulated host has no loopback
}

// staysHere reports whether a node with this configuration stays on its machine. One that is
// told to listen on an outside address does not.
func (c Config) staysHere() bool {
	return !c.Open && !slices.ContainsFunc(c.Listen, func(addr ma.Multiaddr) bool { return !manet.IsIPLoopback(addr) })
}

// InterceptPeerDial lets every peer be dialed: the address decides.
func (g *machineGate) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial lets loopback addresses be dialed.
func (g *machineGate) InterceptAddrDial(_ peer.ID, addr ma.Multiaddr) bool {
	return g.off.Load() || manet.IsIPLoopback(addr)
}

// InterceptAccept lets in whoever comes over loopback.
func (g *machineGate) InterceptAccept(conn network.ConnMultiaddrs) bool {
	return g.off.Load() || manet.IsIPLoopback(conn.RemoteMultiaddr())
}

// InterceptSecured lets every peer in that has come so far.
func (g *machineGate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}

// InterceptUpgraded lets every peer in that has come so far.
func (g *machineGate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) {
	return true, 0
}
