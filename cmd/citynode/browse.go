package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/zeroconf/v2"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/protocol"
)

// envMDNS, set to "off", keeps every command from sending multicast.
const envMDNS = "CITYNODE_MDNS"

// browsedMax bounds how many nodes are taken from what the local network says.
const browsedMax = 16

// mdnsOff tells whether multicast is not to be sent.
func mdnsOff() bool {
	switch strings.ToLower(os.Getenv(envMDNS)) {
	case "off", "false", "no", "0":
		return true
	}
	return false
}

// browse asks the local network for nodes, and announces nothing itself. It
// waits browseFor for the first, then browseAfter for others.
func browse(ctx context.Context) []peer.AddrInfo {
	ctx, cancel := context.WithTimeout(ctx, browseFor)
	defer cancel()
	entries := make(chan *zeroconf.ServiceEntry, browsedMax)
	go func() {
		// It closes entries when it ends. Without multicast there is nobody to find.
		_ = zeroconf.Browse(ctx, protocol.MDNSService, "local", entries)
	}()
	var found []peer.AddrInfo
	for {
		select {
		case <-ctx.Done():
			return found
		case entry, ok := <-entries:
			if !ok {
				return found
			}
			if len(found) == 0 {
				defer time.AfterFunc(browseAfter, cancel).Stop()
			}
			found = append(found, announced(entry)...)
			if len(found) >= browsedMax {
				return found[:browsedMax]
			}
		}
	}
}

// announced are the nodes in one announcement.
func announced(entry *zeroconf.ServiceEntry) []peer.AddrInfo {
	var addrs []ma.Multiaddr
	for _, text := range entry.Text {
		s, ok := strings.CutPrefix(text, "dnsaddr=")
		if !ok {
			continue
		}
		if addr, err := ma.NewMultiaddr(s); err == nil {
			addrs = append(addrs, addr)
		}
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil {
		return nil
	}
	return infos
}
