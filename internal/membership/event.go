package membership

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// An Event is news of another city.
type Event struct {
	Name   string
	Peer   peer.ID
	Status protocol.CityStatus
	// Before is the status until now; "" for a city just found.
	Before protocol.CityStatus
	// Restarted says that the incarnation is a new one.
	Restarted bool
}
