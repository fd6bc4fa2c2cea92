package main

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/citynode/citynode/bootstrap"
)

// newDispatchHost is a host that only dials: it listens nowhere, announces
// nothing, and is limited by the one command that uses it.
func newDispatchHost(key crypto.PrivKey) (host.Host, error) {
	options := append(bootstrap.HostOptions(),
		libp2p.Identity(key),
		libp2p.NoListenAddrs,
		libp2p.UserAgent(software()),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
	)
	h, err := libp2p.New(options...)
	if err != nil {
		return nil, fmt.Errorf("start the command's host: %w", err)
	}
	return h, nil
}
