package connlimit

import (
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// A MachineGate keeps a host on its machine: whoever names an address, a
// list, a saved peer, another city or the DHT, no packet leaves loopback for it.
type MachineGate struct {
	off atomic.Bool
}

// Open has the gate let everybody through: a simulated host has no loopback.
func (g *MachineGate) Open() { g.off.Store(true) }

// InterceptPeerDial lets every peer be dialed: the address decides.
func (g *MachineGate) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial lets loopback addresses be dialed.
func (g *MachineGate) InterceptAddrDial(_ peer.ID, addr ma.Multiaddr) bool {
	return g.off.Load() || manet.IsIPLoopback(addr)
}

// InterceptAccept lets in whoever comes over loopback.
func (g *MachineGate) InterceptAccept(conn network.ConnMultiaddrs) bool {
	return g.off.Load() || manet.IsIPLoopback(conn.RemoteMultiaddr())
}

// InterceptSecured lets every peer in that has come so far.
func (g *MachineGate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}

// InterceptUpgraded lets every peer in that has come so far.
func (g *MachineGate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) {
	return true, 0
}
