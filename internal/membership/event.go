package membership

import "github.com/libp2p/go-libp2p/core/peer"

// Status is what the directory thinks of a city.
type Status string

// The statuses of a city.
const (
	Alive  Status = "alive"
	Left   Status = "left"
	Failed Status = "failed"
)

// An Event is news of another city.
type Event struct {
	Name   string
	Peer   peer.ID
	Status Status
	// Before is the status until now; "" for a city just found.
	Before Status
	// Restarted says that the incarnation is a new one.
	Restarted bool
}
