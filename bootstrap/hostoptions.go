package bootstrap

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// HostOptions returns the options that a host needs so that a [Redialer] can heal
// it quickly, and so that its Close returns.
//
// The swarm's black hole detectors are switched off. They refuse nearly all dials
// to public addresses over UDP, or IPv6, once too many in a row have failed, and in
// an outage all dials fail: after an hour of it the first connection comes minutes
// late. Without them a few packets are sent in vain where UDP or IPv6 never works.
//
// Over TCP, Noise comes before TLS. The certificates of libp2p are valid from an
// hour before their host has started. So over TLS, and over QUIC, which has nothing
// else, a host whose clock is further off reaches nobody and never hears what time
// it is.
//
// The swarm's dial back-off needs no option: the Redialer clears it for each peer
// that it dials. Nor does the expiry of addresses in the peerstore: the Redialer
// adds them again before each dial.
func HostOptions() []libp2p.Option {
	return []libp2p.Option{
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		closeObservedAddrs(),
	}
}
