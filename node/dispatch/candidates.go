package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap"
)

// candidates returns the nodes that may be asked, of one network, in the order in
// which to try them.
func (d *Dispatcher) candidates(ctx context.Context) ([]Candidate, error) {
	// Whoever names nodes means these and no others.
	if len(d.config.Nodes) > 0 {
		return resolve(ctx, d.config.Nodes)
	}
	var named []Candidate
	if d.config.Candidates != nil {
		var err error
		if named, err = d.config.Candidates(ctx); err != nil {
			return nil, err
		}
	}
	if some, err := ofOneNetwork(named, d.network); err != nil || len(some) > 0 {
		return some, err
	}
	near := d.nodesNear(ctx)
	if some, err := ofOneNetwork(near, d.network); err != nil || len(some) > 0 {
		return some, err
	}
	return nil, &NoNodeError{Network: d.network, Others: titlesByNetwork(append(named, near...))}
}

// resolve returns the nodes that addresses lead to.
func resolve(ctx context.Context, nodes []ma.Multiaddr) ([]Candidate, error) {
	infos, err := (&bootstrap.Resolver{}).Resolve(ctx, nodes)
	if len(infos) == 0 {
		return nil, unreachable("%v: %w", nodes, cmp.Or(err, errors.New("it leads to no node")))
	}
	candidates := make([]Candidate, 0, len(infos))
	for _, info := range infos {
		candidates = append(candidates, Candidate{Peer: info, Title: fmt.Sprintf("node %s", info.ID)})
	}
	return candidates, nil
}

// ofOneNetwork returns the candidates that are, or may be, of the wanted network.
// If none is wanted, all candidates must be of one.
func ofOneNetwork(all []Candidate, wanted string) ([]Candidate, error) {
	if wanted != "" {
		// A copy, for the caller lists all of them where none is left.
		return slices.DeleteFunc(slices.Clone(all), func(c Candidate) bool {
			return c.Network != "" && c.Network != wanted
		}), nil
	}
	if byNetwork := titlesByNetwork(all); len(byNetwork) > 1 {
		return nil, &SeveralNetworksError{Networks: byNetwork}
	}
	return all, nil
}

// nodesNear returns the nodes that mDNS finds, with the networks that they speak.
func (d *Dispatcher) nodesNear(ctx context.Context) []Candidate {
	if !d.config.MDNS {
		return nil
	}
	var candidates []Candidate
	for _, info := range browse(ctx) {
		c := Candidate{Peer: info, Title: fmt.Sprintf("a node that mDNS found (%s)", info.ID)}
		network, err := d.connect(ctx, c, "")
		if err != nil {
			continue // nobody has asked for this one
		}
		c.Network = network
		candidates = append(candidates, c)
	}
	return candidates
}
