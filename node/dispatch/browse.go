package dispatch

import (
	"context"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/zeroconf/v2"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/protocol"
)

// mDNS answers within a fraction of a second on a working network.
const (
	browseFor   = 2 * time.Second        // where nobody answers
	browseAfter = 300 * time.Millisecond // where somebody did, for others
)

// browsedMax bounds how many nodes are taken from what the local network says.
const browsedMax = 16

// browse returns the nodes that answer on the local network, and announces
// nothing. It waits browseFor for the first, then browseAfter for others.
func browse(ctx context.Context) []peer.AddrInfo {
	ctx, cancel := context.WithTimeout(ctx, browseFor)
	defer cancel()
	entries := make(chan *zeroconf.ServiceEntry, browsedMax)
	go func() {
		// It ends with ctx, which is done when browse returns, and closes entries then.
		// Without multicast there is nobody to find, which is no fault to tell.
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

// announced returns the nodes in one announcement. Anybody on the local network can
// announce anything: who answers proves its peer ID when it is dialed.
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
