package bootstrap

import "github.com/libp2p/go-libp2p"

// HostOptions are what a host needs so that a [Redialer] can heal it quickly.
//
// The swarm's black hole detectors refuse nearly all dials to public addresses
// over UDP, or IPv6, once too many in a row have failed, and an outage is
// nothing but failed dials: after an hour of it the first connection comes
// minutes late. They are switched off, which costs a few vain packets where UDP
// or IPv6 never works.
//
// The swarm's dial back-off needs no option, the Redialer clears it peer by
// peer; peerstore addresses expire, and the Redialer gives them anew.
func HostOptions() []libp2p.Option {
	return []libp2p.Option{
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
	}
}
