package dispatch

import (
	"context"
	"slices"

	"github.com/citynode/citynode/protocol"
)

// connect connects to a candidate and returns the network that the candidate
// speaks, which must be the wanted one unless that is empty.
func (d *Dispatcher) connect(ctx context.Context, c Candidate, wanted string) (string, error) {
	if err := d.dial(ctx, c.Peer); err != nil {
		return "", unreachable("%s cannot be reached: %w", c.Title, err)
	}
	// Connecting has waited for the peer to say what it speaks.
	spoken, err := d.host.Peerstore().GetProtocols(c.Peer.ID)
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
