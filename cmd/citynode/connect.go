package main

import (
	"context"
	"regexp"
	"slices"
	"strings"

	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

// callForm finds the network in the ID of a call protocol.
var callForm = regexp.MustCompile(`^` + protocol.CallID(`([a-z0-9-]{1,63})`) + `$`)

// connect connects to a candidate and gives the network that it speaks, which
// must be the wanted one unless that is empty.
func (d *dispatcher) connect(ctx context.Context, c candidate, wanted string) (string, error) {
	if err := dial(ctx, d.host, c.info); err != nil {
		return "", failf(exitUnreachable, "%s cannot be reached: %w", c.title, err)
	}
	// Connecting has waited for the peer to say what it speaks.
	spoken, err := d.host.Peerstore().GetProtocols(c.info.ID)
	if err != nil {
		return "", failf(exitUnreachable, "%s: %w", c.title, err)
	}
	networks := networksOf(spoken)
	switch {
	case len(spoken) == 0: // not even what every libp2p host does
		return "", failf(exitUnreachable, "%s cannot be reached: %s", c.title, endsAtOnce)
	case len(networks) == 0:
		return "", failf(exitUnreachable, "%s answers, but is not a city: it does not speak the call protocol", c.title)
	case wanted != "" && !slices.Contains(networks, wanted):
		return "", failf(exitUnreachable, "%s is a node of another network: it speaks %s, not %s",
			c.title, strings.Join(networks, ", "), wanted).
			withHint("ask for its network with --network %s", networks[0])
	case wanted != "":
		return wanted, nil
	case len(networks) > 1:
		return "", usagef("%s is of several networks: %s", c.title, strings.Join(networks, ", ")).
			withHint("choose one with --network NAME")
	}
	return networks[0], nil
}

// networksOf are the networks whose calls a peer answers, sorted.
func networksOf(spoken []libp2pprotocol.ID) []string {
	var networks []string
	for _, id := range spoken {
		if m := callForm.FindStringSubmatch(string(id)); m != nil {
			networks = append(networks, m[1])
		}
	}
	slices.Sort(networks)
	return slices.Compact(networks)
}
