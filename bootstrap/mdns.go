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
	// mdnsRecord begins each TXT record; a full multiaddr follows.
	mdnsRecord = "dnsaddr="
	// mdnsRecordBytesMax is the longest string that a TXT record holds.
	mdnsRecordBytesMax = 255
	// mdnsPort stands where DNS-SD wants a port; the TXT records have the real
	// ones.
	mdnsPort = 4001
	// mdnsRound is how long one search lasts. A search tells of a peer once, and
	// hears on the interfaces that were up when it began; the next one tells of
	// all peers that are there. It sends one query, as a long search does each
	// minute.
	mdnsRound = time.Minute
	// mdnsRetry is the pause after a round that could not begin, as while no
	// interface is up.
	mdnsRetry = 10 * time.Second
	// mdnsQueueMax bounds the answers that are waiting for the callback.
	mdnsQueueMax = 64
)

var errNoInterface = errors.New("no network interface for multicast is up")

// MDNS announces a host on the local network and finds others there, in the
// form of libp2p's mDNS specification. What it finds is a hint by anybody on
// that network: give it to [Redialer.Found].
//
// It stands on zeroconf and not on go-libp2p's p2p/discovery/mdns, whose
// search, on a machine without IPv6, finds nobody and cannot be closed.
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

// Serve announces and searches until ctx is done, then returns nil. Where that
// is impossible now it is tried again each 10 s.
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

// search looks for one round, on IPv4 and IPv6 or on what there is of them.
func (m *MDNS) search(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, mdnsRound)
	defer cancel()
	for _, traffic := range []zeroconf.IPType{zeroconf.IPv4AndIPv6, zeroconf.IPv4, zeroconf.IPv6} {
		if err = m.browse(ctx, traffic); err == nil {
			return nil
		}
	}
	return err
}

// browse returns at once with an error, or nil after ctx is done.
func (m *MDNS) browse(ctx context.Context, traffic zeroconf.IPType) error {
	entries := make(chan *zeroconf.ServiceEntry, mdnsQueueMax)
	done := make(chan struct{})
	var err error
	var browsing sync.WaitGroup
	browsing.Go(func() {
		defer close(done)
		err = zeroconf.Browse(ctx, m.config.Service, mdnsDomain, entries, zeroconf.SelectIPTraffic(traffic))
	})
	for open := true; open; {
		select {
		case <-done: // the channel stays open where the search did not begin
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

// tell reads one answer; its bytes are anybody's.
func (m *MDNS) tell(entry *zeroconf.ServiceEntry) {
	var addrs []ma.Multiaddr
	for _, text := range entry.Text {
		text, is := strings.CutPrefix(text, mdnsRecord)
		addr, err := ma.NewMultiaddr(text)
		if is && err == nil && len(addrs) < addrsMax {
			addrs = append(addrs, addr)
		}
	}
	for _, info := range mergePeers(addrs) {
		if info.ID != m.host.ID() {
			m.config.Found(info)
		}
	}
}

// An announcement answers for the host as long as its addresses stay.
type announcement struct {
	server  *zeroconf.Server
	records []string
}

// update announces the host's addresses as they are now.
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
	a.end()
	name := strings.ToLower(rand.Text())
	server, err := zeroconf.RegisterProxy(name, service, mdnsDomain, mdnsPort, name, addressRecords(addrs), records, nil)
	if err != nil {
		return err
	}
	a.server, a.records = server, records
	return nil
}

// end takes the announcement back.
func (a *announcement) end() {
	if a.server != nil {
		a.server.Shutdown()
		a.server = nil
	}
}

// localAddrs gives the addresses of use to others on the local network: no
// relays, no transports for browsers, and loopback only where there is nothing
// else.
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

// withoutLoopback leaves loopback addresses out where there are others: they
// mean another host on every machine.
func withoutLoopback(addrs []ma.Multiaddr) []ma.Multiaddr {
	others := slices.DeleteFunc(slices.Clone(addrs), manet.IsIPLoopback)
	if len(others) == 0 {
		return addrs
	}
	return others
}

// textRecords says where the host can be dialed.
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

// addressRecords gives one IPv4 and one IPv6 address at most: DNS-SD wants A and
// AAAA records, nobody reads them.
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

func multicastUp() bool {
	interfaces, err := net.Interfaces()
	return err == nil && slices.ContainsFunc(interfaces, func(i net.Interface) bool {
		return i.Flags&(net.FlagUp|net.FlagMulticast) == net.FlagUp|net.FlagMulticast
	})
}
