package main

import (
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// standing returns a city's status for a person: of one that is relayed, by whom.
func (c cityJSON) standing() string {
	if c.Status == string(protocol.StatusRelayed) && c.through != "" {
		return c.Status + " by " + c.through
	}
	return strings.Join(append([]string{c.Status}, c.Problems...), ", ")
}

// nameOf returns the name of a peer, or its ID where the node knows no city of that ID.
func (v view) nameOf(id []byte) string {
	for _, line := range v.lines {
		if peer.ID(line.Peer) == peer.ID(id) {
			return line.Presence.City
		}
	}
	return peerText(id)
}
