package node

import (
	"fmt"
	"slices"
	"strings"

	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

// A ForeignError says that a bootstrap peer is a city of other networks than the node's. It
// is given to [Events.Unreachable].
type ForeignError struct {
	Networks []string // the peer's, sorted
	Network  string   // the node's
}

// Error names both.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("it is a city of another network: %s, not %s", strings.Join(e.Networks, ", "), e.Network)
}

// foreign returns why a bootstrap peer that speaks these protocols is of no use to the node:
// it is a city, but of no network of the node's. A peer that is no city may be of use all
// the same, for the DHT.
func (c Config) foreign(spoken []libp2pprotocol.ID) error {
	networks := protocol.NetworksOf(spoken)
	if len(networks) == 0 || slices.Contains(networks, c.Network) {
		return nil
	}
	return &ForeignError{Networks: networks, Network: c.Network}
}
