package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

func newPeers(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "peers",
		Short:   "List the peers behind the cities, with their addresses",
		Args:    exactly(),
		Example: "  citynode peers\n  citynode peers --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				peers, err := d.peers(ctx)
				if err != nil {
					return err
				}
				return g.printPeers(peers)
			})
		},
	}
}

// A peerJSON is the peer that holds a city's name.
type peerJSON struct {
	Peer     string   `json:"peer"`
	Name     string   `json:"name"`
	Status   string   `json:"status"`
	Software string   `json:"software"`
	LastSeen string   `json:"last_seen"` // when it last told of itself, by its clock
	Addrs    []string `json:"addrs"`     // empty where the city is not alive
}

func (d dispatcher) peers(ctx context.Context) ([]peerJSON, error) {
	view, err := d.view(ctx)
	if err != nil {
		return nil, err
	}
	peers := make([]peerJSON, 0, len(view.lines))
	for i, c := range d.withDetails(ctx, view.cities()) { // in the order of the lines
		told := view.lines[i].Presence
		peers = append(peers, peerJSON{
			Peer:     c.Peer,
			Name:     c.Name,
			Status:   c.Status,
			Software: told.Software,
			LastSeen: timeText(told.Sent),
			Addrs:    c.Addrs,
		})
	}
	return peers, nil
}

func (g *globals) printPeers(peers []peerJSON) error {
	if g.json {
		return g.printJSON(peers)
	}
	t := &table{head: []string{"PEER", "CITY", "STATUS", "SOFTWARE", "ADDRESSES"}}
	for _, p := range peers {
		t.add(p.Peer, p.Name, p.Status, p.Software, strings.Join(withoutPeer(p.Addrs), " "))
	}
	return t.write(g.stdout)
}

// withoutPeer shortens addresses where the peer stands beside them.
func withoutPeer(addrs []string) []string {
	short := make([]string, 0, len(addrs))
	for _, addr := range addrs {
		transport, _, _ := strings.Cut(addr, "/p2p/")
		short = append(short, transport)
	}
	return short
}
