package bootstrap

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// HostOptions are what a host needs so that a [Redialer] can heal it quickly.
//
// The swarm's black hole detectors refuse nearly all dials to public addresses
// over UDP, or IPv6, once too many in a row have failed, and an outage is
// nothing but failed dials: after an hour of it the first connection comes
// minutes late. They are switched off, which costs a few vain packets where UDP
// or IPv6 never works.
//
// Over TCP, Noise comes before TLS: the certificates of libp2p are valid from an
// hour before their host has started, so that over TLS, and over QUIC, which knows
// nothing else, a host whose clock is further off reaches nobody and never hears
// what time it is.
//
// The swarm's dial back-off needs no option, the Redialer clears it peer by
// peer; peerstore addresses expire, and the Redialer gives them anew.
func HostOptions() []libp2p.Option {
	return []libp2p.Option{
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
	}
}
