package dispatch

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestANodeThatHasOnlyBegunToServeIsWaitedFor(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), linkMax)
	defer cancel()
	city := listening(t)
	connected := make(chan struct{})
	city.Network().Notify(&network.NotifyBundle{ConnectedF: func(network.Network, network.Conn) { close(connected) }})
	go func() {
		select {
		case <-connected:
			<-time.After(newsMax / 10) // it has said what it speaks, and that is not ours
			serve(city, "gotham")
		case <-ctx.Done():
		}
	}()
	d := &Dispatcher{config: Config{}.withDefaults(), host: newTestHost(t, libp2p.NoListenAddrs)}
	candidate := Candidate{Title: "a node", Peer: peer.AddrInfo{ID: city.ID(), Addrs: city.Addrs()}}
	if network, err := d.connect(ctx, candidate, ""); err != nil || network != "main" {
		t.Errorf("network %q, %v", network, err)
	}
}
