package bootstrap

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/zeroconf/v2"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	mdnsDomain = "local"
	// mdnsRecord begins each TXT record. A full multiaddr follows it.
	mdnsRecord = "dnsaddr="
	// mdnsRecordBytesMax is the longest string that a TXT record holds.
	mdnsRecordBytesMax = 255
	// mdnsPort is announced because DNS-SD requires a port. Nobody reads it: the
	// TXT records have the real ports.
	mdnsPort = 4001
	// mdnsRound is how long one search lasts. A search reports a peer once and
	// listens on the interfaces that were up when it began, so the next search
	// reports all peers anew. Each search sends one query; one long search would
	// send as many, one a minute.
	mdnsRound = time.Minute
	// mdnsRetry is the pause after a search that could not begin, for example
	// because no interface is up.
	mdnsRetry = 10 * time.Second
	// mdnsQueueMax bounds the answers that wait for the callback.
	mdnsQueueMax = 64
)

var errNoInterface = errors.New("no network interface for multicast is up")

// MDNS announces a host on the local network and finds others there, in the
// form of libp2p's mDNS specification. Anybody on that network can announce any
// peer, so what MDNS finds is a hint: pass it to [Redialer.Found].
//
// MDNS uses zeroconf and not go-libp2p's p2p/discovery/mdns: on a machine without
// IPv6 the search of the latter finds nobody and cannot be closed.
type MDNS struct {
	host   host.Host
	config MDNSConfig
}

// MDNSConfig says what is announced and who is told.
type MDNSConfig struct {
	// Service is the DNS-SD service type under which hosts find each other, as
	// "_name._udp". It is required.
	Service string
	// Found is called for each peer, one call at a time, and again each minute
	// while the peer announces itself. It should be quick: answers that come while
	// 64 are waiting are lost until the next minute. It is required.
	Found func(peer.AddrInfo)
	// Own, if set, is called likewise for the host's own peer ID. Each host hears its own
	// announcement; where another has the same key, it hears that of the other too.
	Own func(peer.AddrInfo)
	// Logger takes what heals itself; nil discards it.
	Logger *slog.Logger
}

// NewMDNS returns an MDNS for a host. Serve does the work.
func NewMDNS(h host.Host, config MDNSConfig) *MDNS {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &MDNS{host: h, config: config}
}

// Serve announces and searches until ctx is done, then returns nil. While it
// cannot, it tries again every 10 s.
func (m *MDNS) Serve(ctx context.Context) error {
	var a announcement
	defer a.end()
	failing := false
	for ctx.Err() == nil {
		err := a.update(m.host, m.config.Service)
		if err == nil {
			err = m.search(ctx)
		}
		if err != nil && !failing {
			m.config.Logger.Warn("mdns does not work now, trying again", "err", err)
		}
		if failing = err != nil; failing {
			wait(ctx, mdnsRetry)
		}
	}
	return nil
}

// search searches for one round, on IPv4 and IPv6, or on the one that works.
func (m *MDNS) search(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, mdnsRound)
	defer cancel()
	// zeroconf fails as a whole where one of the two does not work, as IPv6 does not on
	// many machines.
	for _, traffic := range []zeroconf.IPType{zeroconf.IPv4AndIPv6, zeroconf.IPv4, zeroconf.IPv6} {
		if err = m.browse(ctx, traffic); err == nil {
			return nil
		}
	}
	return err
}

// browse searches until ctx is done and returns nil, or returns an error at once
// if the search cannot begin.
func (m *MDNS) browse(ctx context.Context, traffic zeroconf.IPType) error {
	entries := make(chan *zeroconf.ServiceEntry, mdnsQueueMax)
	done := make(chan struct{})
	var err error
	var browsing sync.WaitGroup
	browsing.Go(func() {
		defer close(done)
		err = zeroconf.Browse(ctx, m.config.Service, mdnsDomain, entries, zeroconf.SelectIPTraffic(traffic))
	})
	// Found is called here, on the goroutine of Serve, so that it is called once at a
	// time.
	for open := true; open; {
		select {
		case <-done: // entries stays open if the search did not begin
			open = false
		case entry, ok := <-entries:
			if open = ok; open {
				m.tell(entry)
			}
		}
	}
	browsing.Wait()
	return err
}

// tell reports the peers in one answer. Its bytes may come from anybody.
func (m *MDNS) tell(entry *zeroconf.ServiceEntry) {
	var addrs []ma.Multiaddr
	for _, text := range entry.Text {
		text, is := strings.CutPrefix(text, mdnsRecord)
		addr, err := ma.NewMultiaddr(text)
		// Others announce other services here, and anybody any number of addresses.
		if is && err == nil && len(addrs) < addrsMax {
			addrs = append(addrs, addr)
		}
	}
	for _, info := range mergePeers(addrs) {
		switch {
		case info.ID != m.host.ID():
			m.config.Found(info)
		case m.config.Own != nil:
			m.config.Own(info)
		}
	}
}

// An announcement is what answers the searches of others, with the host's
// addresses at the time it was made.
type announcement struct {
	server  *zeroconf.Server
	records []string
}

// update announces the host's present addresses, if they have changed.
func (a *announcement) update(h host.Host, service string) error {
	if !multicastUp() {
		a.end()
		return errNoInterface
	}
	addrs, err := h.Network().InterfaceListenAddresses()
	if err != nil {
		return err
	}
	addrs = localAddrs(addrs)
	records := textRecords(h.ID(), addrs)
	if a.server != nil && slices.Equal(records, a.records) {
		return nil
	}
	// The old one goes first: with both, others would be told of addresses that are gone.
	// The name of an instance must be unique on the network and says nothing.
	a.end()
	name := strings.ToLower(rand.Text())
	server, err := zeroconf.RegisterProxy(name, service, mdnsDomain, mdnsPort, name, addressRecords(addrs), records, nil)
	if err != nil {
		return err
	}
	a.server, a.records = server, records
	return nil
}

// end withdraws the announcement, if there is one.
func (a *announcement) end() {
	if a.server != nil {
		a.server.Shutdown()
		a.server = nil
	}
}

// localAddrs returns the addresses that others on the local network can use: no
// relays, no transports for browsers, and loopback addresses only if there are no
// others.
func localAddrs(addrs []ma.Multiaddr) []ma.Multiaddr {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
		local := false
		ma.ForEach(addr, func(c ma.Component) bool {
			switch c.Protocol().Code {
			case ma.P_IP4, ma.P_IP6:
				local = true
			case ma.P_CIRCUIT, ma.P_WEBTRANSPORT, ma.P_WEBRTC, ma.P_WEBRTC_DIRECT:
				local = false
				return false
			}
			return true
		})
		return !local
	})
	return withoutLoopback(addrs)
}

// withoutLoopback returns addrs without the loopback addresses, or addrs itself if
// it has no others. A loopback address means another host on every machine.
func withoutLoopback(addrs []ma.Multiaddr) []ma.Multiaddr {
	others := slices.DeleteFunc(slices.Clone(addrs), manet.IsIPLoopback)
	if len(others) == 0 {
		return addrs
	}
	return others
}

// textRecords returns the TXT records that say where the host can be dialed.
func textRecords(id peer.ID, addrs []ma.Multiaddr) []string {
	var records []string
	for _, addr := range addrs {
		record := mdnsRecord + addr.String() + "/p2p/" + id.String()
		if len(record) <= mdnsRecordBytesMax && len(records) < addrsMax {
			records = append(records, record)
		}
	}
	return records
}

// addressRecords returns at most one IPv4 and one IPv6 address. DNS-SD requires A
// and AAAA records; nobody reads them.
func addressRecords(addrs []ma.Multiaddr) []string {
	var ip4, ip6 []string
	for _, addr := range addrs {
		switch ip, err := manet.ToIP(addr); {
		case err != nil:
		case ip.To4() != nil:
			ip4 = append(ip4, ip.String())
		default:
			ip6 = append(ip6, ip.String())
		}
	}
	return append(ip4[:min(1, len(ip4))], ip6[:min(1, len(ip6))]...)
}

// multicastUp reports whether an interface is up that can do multicast.
func multicastUp() bool {
	interfaces, err := net.Interfaces()
	return err == nil && slices.ContainsFunc(interfaces, func(i net.Interface) bool {
		return i.Flags&(net.FlagUp|net.FlagMulticast) == net.FlagUp|net.FlagMulticast
	})
}
