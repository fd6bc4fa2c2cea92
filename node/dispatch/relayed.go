package dispatch

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// A RelayedError says that the node that was asked knows a city only through another one,
// and cannot reach it. It is not [Transient]: nothing that is tried again soon changes that.
type RelayedError struct {
	City string
	Peer peer.ID // of the city
	// Via is who passes on what the city says of itself, by name where the node knows it.
	Via string
	Err error // what the node answered
}

func (e *RelayedError) Error() string {
	return fmt.Sprintf("city %s cannot be called: the node hears of it only through %s, and cannot reach it itself", e.City, e.Via)
}

// orRelayed returns the error of a lookup in vain, or a *RelayedError where the node knows
// the city of that name only through others.
func orRelayed(ctx context.Context, c *protocol.Client, name string, err error) error {
	if !errors.Is(err, protocol.ErrUnavailable) {
		return err
	}
	lines, citiesErr := c.Cities(ctx)
	if citiesErr != nil {
		return err // of two errors the one about the city
	}
	if relayed := relayedIn(lines, name); relayed != nil {
		relayed.Err = err
		return relayed
	}
	return err
}

// relayedIn returns who is known by the name, if that is only through others, else nil.
func relayedIn(lines []protocol.CityLine, name string) (found *RelayedError) {
	for _, line := range lines {
		switch {
		case line.Presence.City != name:
		case line.Status == protocol.StatusRelayed:
			found = &RelayedError{City: name, Peer: peer.ID(line.Peer), Via: nameOf(lines, peer.ID(line.Via))}
		case line.Status != protocol.StatusLeft && line.Status != protocol.StatusFailed:
			return nil // it may answer the next time
		}
	}
	return found
}

// nameOf returns the name of a peer, or its ID where it has none.
func nameOf(lines []protocol.CityLine, p peer.ID) string {
	for _, line := range lines {
		if peer.ID(line.Peer) == p {
			return line.Presence.City
		}
	}
	return p.String()
}
