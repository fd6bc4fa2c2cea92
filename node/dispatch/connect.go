package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

// newsMax is how long a peer that speaks nothing of ours may take to say that it has begun
// to: libp2p tells what a host spoke a moment ago, and then what is new.
const newsMax = 500 * time.Millisecond

// connect connects to a candidate and returns the network that the candidate
// speaks, which must be the wanted one unless that is empty.
func (d *Dispatcher) connect(ctx context.Context, c Candidate, wanted string) (string, error) {
	if err := d.dial(ctx, c.Peer); err != nil {
		return "", unreachable("%s cannot be reached: %w", c.Title, err)
	}
	// Connecting has waited for the peer to say what it speaks.
	spoken, err := d.spoken(ctx, c.Peer.ID)
	if err != nil {
		return "", unreachable("%s: %w", c.Title, err)
	}
	networks := protocol.NetworksOf(spoken)
	switch {
	case len(spoken) == 0: // not even what every libp2p host does
		return "", unreachable("%s cannot be reached: %w", c.Title, errEndsAtOnce)
	case len(networks) == 0:
		return "", unreachable("%s answers, but is not a city: it does not speak the call protocol", c.Title)
	case wanted != "" && !slices.Contains(networks, wanted):
		return "", &WrongNetworkError{Node: c.Title, Wanted: wanted, Speaks: networks}
	case wanted != "":
		return wanted, nil
	case len(networks) > 1:
		return "", &SeveralNetworksError{Node: c.Title, Networks: networks}
	}
	return networks[0], nil
}

// spoken returns what a connected peer speaks. It waits a little for one that speaks nothing
// of ours.
func (d *Dispatcher) spoken(ctx context.Context, p peer.ID) ([]libp2pprotocol.ID, error) {
	news, err := d.host.EventBus().Subscribe(new(event.EvtPeerProtocolsUpdated))
	if err != nil {
		return nil, err
	}
	defer news.Close() //nolint:errcheck // ending anyway
	late := time.NewTimer(newsMax)
	defer late.Stop()
	for {
		spoken, err := d.host.Peerstore().GetProtocols(p)
		if err != nil || len(spoken) == 0 || len(protocol.NetworksOf(spoken)) > 0 {
			return spoken, err
		}
		select {
		case <-news.Out():
		case <-late.C:
			return spoken, nil
		case <-ctx.Done():
			return spoken, nil
		}
	}
}
