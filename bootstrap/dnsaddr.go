package bootstrap

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// resolveEvery is how often a name is resolved again. The addresses of bootstrap
	// peers change within days, and the DNS caches for minutes.
	resolveEvery = time.Minute
	// resolvesMax bounds the names that are resolved at once.
	resolvesMax = 2
)

// dnsNames are the /dnsaddr names of a list and the peers to which they last
// resolved. Like a roster they are plain state of the Redialer's loop.
type dnsNames struct {
	names   []*dnsName
	running int
}

type dnsName struct {
	addr     ma.Multiaddr
	peers    []peer.AddrInfo // of the last success
	running  bool
	due      time.Time
	failures int // in a row
}

// A resolution is one attempt, from dnsNames to a goroutine and back.
type resolution struct {
	name  *dnsName
	peers []peer.AddrInfo
	err   error
}

func newDNSNames(addrs []ma.Multiaddr) *dnsNames {
	d := &dnsNames{}
	for _, addr := range addrs {
		if isDNSAddr(addr) {
			d.names = append(d.names, &dnsName{addr: addr})
		}
	}
	return d
}

// next returns the names to resolve now, and when to call next again.
func (d *dnsNames) next(now time.Time) (start []*dnsName, wake time.Time) {
	for _, n := range d.names {
		switch {
		// The end of a resolution wakes the loop, which asks again.
		case n.running || d.running == resolvesMax:
		case n.due.After(now):
			wake = sooner(wake, n.due)
		default:
			n.running = true
			d.running++
			start = append(start, n)
		}
	}
	return start, wake
}

// resolved notes the end of an attempt and reports whether to tell of a failure. If
// a name does not resolve, its former peers stay.
func (d *dnsNames) resolved(now time.Time, r resolution) (tell bool) {
	n := r.name
	n.running = false
	d.running--
	if r.err == nil {
		n.peers, n.failures, n.due = r.peers, 0, now.Add(resolveEvery)
		return false
	}
	n.failures++
	// A name that has led nowhere yet may be the only way into the network, so it is
	// tried at short intervals.
	n.due = now.Add(retryPause(n.failures, urgentRetryMax))
	if len(n.peers) > 0 {
		n.due = now.Add(retryPause(n.failures, resolveEvery))
	}
	return n.failures == 1
}

// peers returns the peers to which the names resolved.
func (d *dnsNames) peers() []peer.AddrInfo {
	var infos []peer.AddrInfo
	for _, n := range d.names {
		infos = append(infos, n.peers...)
	}
	return infos
}
