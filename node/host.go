package node

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/internal/connlimit"
	"github.com/citynode/citynode/protocol"
)

// ErrListen is matched by New's error when an address cannot be listened on.
var ErrListen = errors.New("cannot listen")

// Limits of the resource manager that differ from libp2p's defaults.
const (
	// streamsPerPeer leaves room for 128 calls at once, the sync, gossip, DHT
	// and identify streams.
	streamsPerPeer = 256
	// connsPerPeer is above one connection a transport: a peer that was restarted comes
	// back before its old connections count as dead.
	connsPerPeer = 16
	// connsPerAdmin lets scripts run hundreds of commands at once, all with
	// the operator's key.
	connsPerAdmin   = 512
	streamsPerAdmin = 2048
	// connsPerSite bounds an IPv6 /48, which one customer may have: without it each of its
	// 256 networks would have the whole share of an address.
	connsPerSite = 512
	// Public addresses may open so many connections a second, with a burst in which all of
	// an address come back after a partition.
	connsRate  = 4
	connsBurst = 64
	// The connection manager trims from the high to the low water mark, and leaves alone
	// what is younger than connsGrace: a connection must have time to show what it is for.
	connsLow, connsHigh = 256, 384
	connsGrace          = 30 * time.Second
)

// loopbackPrefixes are those of this machine, whose connections share no address with
// anybody's.
var loopbackPrefixes = []string{"127.0.0.0/8", "::1/128"}

// privatePrefixes are the ranges in which many cities may share an address, or
// a few addresses: one machine, a container host, a local network. 100.64.0.0/10 is that
// of carriers' NAT (RFC 6598), which overlays such as Tailscale use. An address of them has
// the same share as any other, but may use it up at any rate.
var privatePrefixes = []string{
	"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
	"::1/128", "fc00::/7", "fe80::/10",
}

// newHost returns the libp2p host of a node, listening. The host owns the managers that it
// is given once it is made, and closes them; until then this function does.
// It also returns who shares the reserve of connections, nil for a host of the program's.
func newHost(cfg Config) (host.Host, *connlimit.Known, error) {
	if cfg.Host != nil {
		return cfg.Host, nil, hostFree(cfg.Host, cfg.Network)
	}
	shares := connlimit.SharesOf(connlimit.Files())
	manager, err := newResourceManager(cfg.Admins, shares)
	if err != nil {
		return nil, nil, err
	}
	h, err := listenWith(cfg, manager, shares)
	return h, connlimit.NewKnown(manager), err
}

// listenWith returns the host with that resource manager and these shares, listening.
func listenWith(cfg Config, manager network.ResourceManager, shares connlimit.Shares) (host.Host, error) {
	high := min(connsHigh, shares.InAll/4*3)
	conns, err := connmgr.NewConnManager(min(connsLow, high/3*2), high, connmgr.WithGracePeriod(connsGrace))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connection manager: %w", err), manager.Close())
	}
	opts := append(bootstrap.HostOptions(),
		libp2p.Identity(cfg.Identity),
		libp2p.NoListenAddrs, // until there is a host that can be closed if it cannot listen
		libp2p.UserAgent(cfg.Software),
		libp2p.ResourceManager(manager),
		libp2p.ConnectionManager(conns),
		connlimit.NewDoor(shares, cfg.Logger).HostOption(),
		libp2p.DisableRelay(),
	)
	if len(cfg.Announce) > 0 {
		opts = append(opts, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return cfg.Announce }))
	}
	gate := new(connlimit.MachineGate)
	if cfg.staysHere() {
		opts = append(opts, libp2p.ConnectionGater(gate))
	}
	h, err := cfg.NewHost(opts...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the host: %w", err), conns.Close(), manager.Close())
	}
	if len(h.Network().ListenAddresses()) > 0 { // a simulated host has its own
		gate.Open()
		return h, nil
	}
	// A process that takes a port between this look and the listening goes unnoticed over
	// TCP. Two starts of one city cannot: they have the folder's lock.
	err = portsFree(cfg.Listen)
	if err == nil {
		err = h.Network().Listen(cfg.Listen...)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w on %v: %w", ErrListen, cfg.Listen, err), h.Close())
	}
	return h, nil
}

// newResourceManager returns the limits of a host. libp2p's own admit 8 connections from
// an address and 0.2 new ones a second, which is too few for cities that share one.
// Loopback and known peers, which are on its allow list, have the shares' reserve beside
// what all may have.
func newResourceManager(admins []peer.ID, shares connlimit.Shares) (network.ResourceManager, error) {
	defaults := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&defaults)
	byPeer := make(map[peer.ID]rcmgr.ResourceLimits, len(admins))
	for _, admin := range admins {
		byPeer[admin] = peerLimits(connsPerAdmin, streamsPerAdmin)
	}
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: limit(shares.InAll), ConnsInbound: limit(shares.InAll), ConnsOutbound: limit(shares.InAll / 2),
			Streams: 16384, StreamsInbound: 8192, StreamsOutbound: 8192,
			FD: limit(shares.InAll),
		},
		Transient: rcmgr.ResourceLimits{
			Conns: limit(shares.Handshakes), ConnsInbound: limit(shares.Handshakes / 4 * 3), ConnsOutbound: limit(shares.Handshakes / 2),
			Streams: 1024, StreamsInbound: 512, StreamsOutbound: 512,
			FD: limit(shares.Handshakes),
		},
		AllowlistedSystem:    reserveLimits(shares.Reserve),
		AllowlistedTransient: reserveLimits(shares.Reserve / 2),
		ProtocolDefault:      rcmgr.ResourceLimits{Streams: 8192, StreamsInbound: 4096, StreamsOutbound: 4096},
		ProtocolPeerDefault:  rcmgr.ResourceLimits{Streams: streamsPerPeer, StreamsInbound: streamsPerPeer, StreamsOutbound: streamsPerPeer},
		PeerDefault:          peerLimits(connsPerPeer, streamsPerPeer),
		Peer:                 byPeer,
	}
	v4, v6, loopback := loopbackLimits()
	manager, err := rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(limits.Build(defaults.AutoScale())),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithNetworkPrefixLimit(v4, v6),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: shares.PerHost}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: shares.PerHost}, {PrefixLength: 48, ConnCount: connsPerSite}},
		),
		rcmgr.WithAllowlistedMultiaddrs(loopback),
		rcmgr.WithConnRateLimiters(newConnRateLimiter()),
	)
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	return manager, nil
}

// peerLimits returns the limits of one peer, the same for each direction: either side may
// be the one that dials and asks.
func peerLimits(conns, streams rcmgr.LimitVal) rcmgr.ResourceLimits {
	return rcmgr.ResourceLimits{
		Conns: conns, ConnsInbound: conns, ConnsOutbound: conns,
		Streams: streams, StreamsInbound: streams, StreamsOutbound: streams,
		FD: conns,
	}
}

// reserveLimits returns limits of so many connections.
func reserveLimits(conns int) rcmgr.ResourceLimits {
	return rcmgr.ResourceLimits{Conns: limit(conns), ConnsInbound: limit(conns), ConnsOutbound: limit(conns), FD: limit(conns)}
}

// limit returns a count as libp2p's limits have it.
func limit(count int) rcmgr.LimitVal { return rcmgr.LimitVal(count) }

// loopbackLimits exempts loopback from the limits by address, and returns it as the allow
// list wants it.
func loopbackLimits() (v4, v6 []rcmgr.NetworkPrefixLimit, allow []ma.Multiaddr) {
	for _, text := range loopbackPrefixes {
		limit := rcmgr.NetworkPrefixLimit{Network: netip.MustParsePrefix(text), ConnCount: math.MaxInt}
		kind := "ip6"
		if limit.Network.Addr().Is4() {
			kind = "ip4"
			v4 = append(v4, limit)
		} else {
			v6 = append(v6, limit)
		}
		allow = append(allow, ma.StringCast(fmt.Sprintf("/%s/%s/ipcidr/%d", kind, limit.Network.Addr(), limit.Network.Bits())))
	}
	return v4, v6, allow
}

// newConnRateLimiter bounds new connections a second by public address, before the
// handshake has shown who connects.
func newConnRateLimiter() *rate.Limiter {
	perHost := rate.Limit{RPS: connsRate, Burst: connsBurst}
	limiter := &rate.Limiter{
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: perHost}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: perHost}},
			GracePeriod:      time.Minute,
		},
	}
	for _, text := range privatePrefixes {
		limiter.NetworkPrefixLimits = append(limiter.NetworkPrefixLimits,
			rate.PrefixLimit{Prefix: netip.MustParsePrefix(text)}) // no rate: unlimited
	}
	return limiter
}

// privateNets returns the private prefixes in the form that GossipSub's peer score
// wants them.
func privateNets() []*net.IPNet {
	nets := make([]*net.IPNet, 0, len(privatePrefixes))
	for _, text := range privatePrefixes {
		_, ipnet, err := net.ParseCIDR(text)
		if err != nil {
			panic(err) // the list above is ours
		}
		nets = append(nets, ipnet)
	}
	return nets
}

// hostFree fails if the host has a node of the network, or of any, already: one DHT
// serves all networks.
func hostFree(h host.Host, network string) error {
	taken := h.Mux().Protocols()
	for _, id := range []string{protocol.CallID(network), protocol.SyncID(network), string(bootstrap.DHTProtocol(protocol.DHTPrefix))} {
		if slices.Contains(taken, libp2pprotocol.ID(id)) {
			return fmt.Errorf("the Host speaks %s already: it has another node, and takes one", id)
		}
	}
	return nil
}

// staysHere reports whether a node with this configuration stays on its machine. One that is
// told to listen on an outside address does not.
func (c Config) staysHere() bool {
	return !c.Open && !slices.ContainsFunc(c.Listen, func(addr ma.Multiaddr) bool { return !manet.IsIPLoopback(addr) })
}
