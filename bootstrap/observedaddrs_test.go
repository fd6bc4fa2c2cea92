package bootstrap

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// hostCloseMax is far beyond what the close of a host takes on a busy machine.
	hostCloseMax = 20 * time.Second
	// identifiedMeanwhile is more than the bus keeps for a subscriber that does not read,
	// which is 16.
	identifiedMeanwhile = 32
)

// A host that closes tells of each address that it no longer listens on, after it has
// stopped its manager of observed addresses.
func TestAHostClosesThoughManyPeersIdentifyThemselvesMeanwhile(t *testing.T) {
	h, err := libp2p.New(append(HostOptions(), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))...)
	if err != nil {
		t.Fatal(err)
	}
	identified, err := h.EventBus().Emitter(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		t.Fatal(err)
	}
	var told atomic.Bool // by a goroutine for each address
	h.Network().Notify(&network.NotifyBundle{ListenCloseF: func(network.Network, ma.Multiaddr) {
		for range identifiedMeanwhile {
			_ = identified.Emit(event.EvtPeerIdentificationCompleted{Peer: h.ID()})
		}
		told.Store(true)
	}})
	closed := make(chan error, 1)
	go func() { closed <- h.Close() }()
	select {
	case err := <-closed:
		if err != nil || !told.Load() {
			t.Fatalf("closed with %v; peers identified themselves meanwhile: %t", err, told.Load())
		}
	case <-time.After(hostCloseMax):
		t.Fatal("the host does not close")
	}
}

func TestAHostWithoutObservedAddressesStartsAndCloses(t *testing.T) {
	h, err := libp2p.New(append(HostOptions(), libp2p.NoListenAddrs, libp2p.DisableIdentifyAddressDiscovery())...)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}
