package connlimit

import (
	"container/list"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	manet "github.com/multiformats/go-multiaddr/net"
	"go.uber.org/fx"
)

// calmFor is after how long without another the next connection that is cut for its
// silence, to make room, is worth a line again.
const calmFor = 10 * time.Minute

// A Door watches the connections that are accepted over TCP until their handshakes are
// over. Its methods are safe for concurrent use.
type Door struct {
	log *slog.Logger

	mu      sync.Mutex // guards the rest
	silents silents
	crowded time.Time // when one was last cut to make room
}

// NewDoor returns a door with these shares.
func NewDoor(shares Shares, logger *slog.Logger) *Door {
	return &Door{log: logger, silents: silents{shares: shares, byHost: make(map[netip.Prefix]*list.List)}}
}

// HostOption has a host accept connections through the door. It concerns TCP and
// WebSocket. Over QUIC nobody holds a file, each address has its share before the handshake,
// and half a handshake ends by itself in 5 s, or in 10 s where its other side trickles
// packets. Those times are quic-go's own: libp2p keeps the configuration of its listeners to
// itself, its hook sees a connection before it is made and cannot end it later, and quic-go
// does not heed the context that the hook returns.
func (d *Door) HostOption() libp2p.Option {
	return libp2p.WithFxOption(fx.Decorate(func(u transport.Upgrader, rm network.ResourceManager, gater connmgr.ConnectionGater) transport.Upgrader {
		return &upgrader{Upgrader: u, door: d, resources: rm, gater: gater}
	}))
}

// An upgrader is libp2p's, but for what it accepts.
type upgrader struct {
	transport.Upgrader
	door      *Door
	resources network.ResourceManager
	gater     connmgr.ConnectionGater // may be nil
}

// GateMaListener returns the listener behind the door.
func (u *upgrader) GateMaListener(l manet.Listener) transport.GatedMaListener {
	return &listener{Listener: l, upgrader: u}
}

// UpgradeListener returns the listener behind the door, with handshakes.
func (u *upgrader) UpgradeListener(t transport.Transport, l manet.Listener) transport.Listener {
	return u.UpgradeGatedMaListener(t, u.GateMaListener(l))
}

// A listener accepts what the door, the gater and the resource manager all admit.
type listener struct {
	manet.Listener
	*upgrader
}

// Accept returns the next connection that is admitted. Others are closed.
func (l *listener) Accept() (manet.Conn, network.ConnManagementScope, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, nil, err
		}
		if c, s := l.admit(raw); c != nil {
			return c, s, nil
		}
		_ = raw.Close() // the other side sees the end, whatever that says
	}
}

// admit returns the connection as it is to be used, and its scope, or nil.
func (l *listener) admit(raw manet.Conn) (manet.Conn, network.ConnManagementScope) {
	if l.gater != nil && !l.gater.InterceptAccept(raw) {
		return nil, nil
	}
	c := l.door.enter(raw)
	if c == nil {
		return nil, nil
	}
	s, err := l.resources.OpenConnection(network.DirInbound, true, raw.RemoteMultiaddr())
	if err != nil {
		_ = c.Close()
		return nil, nil
	}
	return c, &scope{ConnManagementScope: s, conn: c}
}

// enter begins to watch a connection, and cuts another where it has to make room. It
// returns nil if there is none.
func (d *Door) enter(raw manet.Conn) *conn {
	now := time.Now()
	c := &conn{Conn: raw, door: d}
	c.silent = silent{host: hostOf(raw), since: now, end: func() { _ = raw.Close() }}
	d.mu.Lock()
	evicted, ok := d.silents.add(&c.silent)
	news := (evicted != nil || !ok) && now.Sub(d.crowded) > calmFor
	if evicted != nil || !ok {
		d.crowded = now
	}
	d.mu.Unlock()
	if news {
		d.log.Warn("connections that say nothing fill their share; the oldest make room for new ones",
			"host", c.silent.host.Addr(), "silent_ms", youngFor.Milliseconds())
	}
	if evicted != nil {
		evicted.end()
	}
	if !ok {
		return nil
	}
	c.timer = time.AfterFunc(SilenceMax, c.silent.end)
	return c
}

// spoke notes that a connection is silent no more, or has ended.
func (d *Door) spoke(s *silent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silents.remove(s)
}

// hostOf returns whose connection it is: an IPv4 address, or the /56 of an IPv6 address.
func hostOf(c manet.Conn) netip.Prefix {
	ip, err := manet.ToIP(c.RemoteMultiaddr())
	if err != nil {
		return netip.Prefix{}
	}
	addr, _ := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	bits := 32
	if addr.Is6() {
		bits = 56
	}
	prefix, _ := addr.Prefix(bits) // the zero one where there is no address
	return prefix
}
