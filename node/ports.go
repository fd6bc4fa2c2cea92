package node

import (
	"net"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/citynode/citynode/internal/datadir"
)

// usualListen returns the addresses of a node that is told none: on loopback, or if
// open on all interfaces, over TCP and QUIC. Each has the port of the last start if
// that is free, so that a city is found again where it was even by those that were
// down at the same time; else any.
func usualListen(dir string, open bool) []ma.Multiaddr {
	texts := []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}
	if open {
		texts = []string{"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/tcp/0", "/ip6/::/udp/0/quic-v1"}
	}
	var last []ma.Multiaddr
	if dir != "" {
		last = datadir.LastListen(dir)
	}
	addrs := make([]ma.Multiaddr, len(texts))
	for i, text := range texts {
		addrs[i] = ma.StringCast(text)
		if at := slices.IndexFunc(last, func(a ma.Multiaddr) bool { return addrs[i].Equal(onAnyPort(a)) }); at >= 0 && portFree(last[at]) == nil {
			addrs[i] = last[at]
		}
	}
	return addrs
}

// listenedBefore returns where the city of a folder listened at its last start. Where
// that was on all interfaces, another process that has a copy of the folder and runs on
// this machine is found on loopback.
func listenedBefore(dir string) (addrs []ma.Multiaddr) {
	if dir == "" {
		return nil
	}
	for _, addr := range datadir.LastListen(dir) {
		text := strings.Replace(addr.String(), "/ip4/0.0.0.0/", "/ip4/127.0.0.1/", 1)
		if local, err := ma.NewMultiaddr(strings.Replace(text, "/ip6/::/", "/ip6/::1/", 1)); err == nil {
			addrs = append(addrs, local)
		}
	}
	return addrs
}

// keepPorts keeps where the node listens. It is no reason not to run that it cannot. A node
// that was told its addresses keeps none: the next start is told them, or means others.
func (n *Node) keepPorts() {
	if n.cfg.DataDir == "" {
		return
	}
	if err := datadir.KeepListen(n.cfg.DataDir, n.host.Network().ListenAddresses()); err != nil {
		n.log.Warn("ports were not kept; the next start may have others", "err", err)
	}
}

// onAnyPort returns an address with port 0 in place of its own, so that an address of the
// last start is used only in the place of one that this start would listen on: a node
// that was open and is not any more must not listen on all interfaces again.
func onAnyPort(addr ma.Multiaddr) ma.Multiaddr {
	var parts ma.Multiaddr
	for _, c := range addr {
		if p := c.Protocol(); p.Code == ma.P_TCP || p.Code == ma.P_UDP {
			if zero, err := ma.NewComponent(p.Name, "0"); err == nil {
				c = *zero
			}
		}
		parts = append(parts, c)
	}
	return parts
}

// portsFree fails if another process listens on one of the addresses. libp2p would
// share a TCP port, since it listens with SO_REUSEPORT to dial from the same port,
// and who dials it would reach one process or the other.
func portsFree(listen []ma.Multiaddr) error {
	for _, addr := range listen {
		if err := portFree(addr); err != nil {
			return err
		}
	}
	return nil
}

// portFree fails if another process listens on a TCP or UDP address, or nobody can.
// Of others it knows nothing. It binds without SO_REUSEPORT, so one listener is enough
// to make it fail, and sends nothing.
func portFree(addr ma.Multiaddr) error {
	kind, at, err := manet.DialArgs(addr)
	if err != nil {
		return nil //nolint:nilerr // whoever listens will say so
	}
	var probe interface{ Close() error }
	switch {
	case strings.HasPrefix(kind, "tcp"):
		probe, err = net.Listen(kind, at)
	case strings.HasPrefix(kind, "udp"):
		probe, err = net.ListenPacket(kind, at)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return probe.Close()
}
