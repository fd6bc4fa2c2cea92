package membership

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// ownDialTimeout bounds a dial by which a city proves that it lives, handshake
	// included: four round trips of the worst of networks.
	ownDialTimeout = 2500 * time.Millisecond
	// ownDialAddrsMax is how many addresses are tried, all at once.
	ownDialAddrsMax = 3
)

// dial has a peer prove, on a connection made now, who it is. A peer that is not connected
// is connected by it. If one is, the connection is made beside those of the host, which
// would take an old one for the answer, and is closed at once; the old ones are then
// compared with it.
func (d *detector) dial(ctx context.Context, p peer.ID) bool {
	within, cancel := context.WithTimeout(ctx, ownDialTimeout)
	defer cancel()
	if !d.connected(p) {
		return d.connect(within, p) == nil
	}
	dialer, ok := d.host.Network().(interface {
		TransportForDialing(ma.Multiaddr) transport.Transport
	})
	if !ok || !d.dialAny(within, p, dialer.TransportForDialing) {
		return false
	}
	d.dead.suspectAll(p)
	return true
}

// connect connects to a peer as if no dial had failed before.
func (d *detector) connect(ctx context.Context, p peer.ID) error {
	if s, ok := d.host.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(p)
	}
	if addr, ok := d.addrs.Get(p); ok {
		d.host.Peerstore().AddAddr(p, addr, peerstore.TempAddrTTL)
	}
	return d.host.Connect(ctx, peer.AddrInfo{ID: p})
}

// dialAny dials the peer's addresses at once, and reports whether it answered at any.
func (d *detector) dialAny(ctx context.Context, p peer.ID, transportFor func(ma.Multiaddr) transport.Transport) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addrs := d.addrsOf(p)
	ended := make(chan error, len(addrs)) // has room for all, so that none waits
	for _, addr := range addrs {
		go func() { ended <- dialOnce(ctx, transportFor(addr), addr, p) }()
	}
	alive := false
	for range addrs {
		if err := <-ended; err == nil {
			alive = true
			cancel()
		}
	}
	return alive
}

func dialOnce(ctx context.Context, over transport.Transport, addr ma.Multiaddr, p peer.ID) error {
	if over == nil {
		return network.ErrNoConn
	}
	conn, err := over.Dial(ctx, addr, p)
	if err != nil {
		return err
	}
	return conn.Close()
}

// addrsOf returns where a peer may be dialed: at the address of its last connection first.
func (d *detector) addrsOf(p peer.ID) (addrs []ma.Multiaddr) {
	if last, ok := d.addrs.Get(p); ok {
		addrs = append(addrs, last)
	}
	for _, addr := range d.host.Peerstore().Addrs(p) {
		if len(addrs) < ownDialAddrsMax && !ma.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}
