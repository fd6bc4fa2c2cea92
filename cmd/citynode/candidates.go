package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap"
)

// envNode names the node to ask where --node does not.
const envNode = "CITYNODE_NODE"

// candidate is a node that could be asked.
type candidate struct {
	info    peer.AddrInfo
	network string // "": not known before it answers
	title   string // for messages: what it is and who named it
}

// candidates are the nodes that may be asked, of one network, in the order in
// which to try them: the one that was named, else those of this user that run
// here, else those that mDNS finds.
func (d *dispatcher) candidates(ctx context.Context, g *globals) ([]candidate, error) {
	if address, source := cmp.Or(g.node, os.Getenv(envNode)), namedBy(g.node); address != "" {
		return namedNode(ctx, address, source)
	}
	here, err := nodesHere()
	if err != nil {
		return nil, err
	}
	if some, err := ofOneNetwork(here, g.network); err != nil || len(some) > 0 {
		return some, err
	}
	near := d.nodesNear(ctx)
	some, err := ofOneNetwork(near, g.network)
	if err != nil || len(some) > 0 {
		return some, err
	}
	return nil, nothingFound(append(here, near...), g.network)
}

func namedBy(flag string) string {
	if flag != "" {
		return "--node"
	}
	return envNode
}

// namedNode is the node at an address that a person gave.
func namedNode(ctx context.Context, address, source string) ([]candidate, error) {
	addrs, err := bootstrap.ParsePeers([]string{address})
	if item, ok := errors.AsType[*bootstrap.ItemError](err); ok {
		err = item.Err
	}
	if err != nil || len(addrs) == 0 {
		return nil, usagef("%s %q: %w", source, address, cmp.Or(err, errors.New("is blank"))).
			withHint("a node prints its addresses when it starts")
	}
	infos, err := (&bootstrap.Resolver{}).Resolve(ctx, addrs)
	if len(infos) == 0 {
		return nil, failf(exitUnreachable, "%s %s: %w", source, address, cmp.Or(err, errors.New("it leads to no node")))
	}
	candidates := make([]candidate, 0, len(infos))
	for _, info := range infos {
		candidates = append(candidates, candidate{info: info, title: fmt.Sprintf("the node of %s (%s)", source, address)})
	}
	return candidates, nil
}

// nodesHere are the nodes of this user that run on this machine.
func nodesHere() ([]candidate, error) {
	dir, err := runtimeFolder()
	if err != nil {
		return nil, err
	}
	nodes, err := runningNodes(dir)
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	for _, n := range nodes {
		info, err := n.addrInfo()
		if err != nil {
			continue // written by another version
		}
		title := fmt.Sprintf("%s on this machine (process %d)", n.City, n.PID)
		candidates = append(candidates, candidate{info: info, network: n.Network, title: title})
	}
	return candidates, nil
}

// addrInfo is where the node listens.
func (n runningNode) addrInfo() (peer.AddrInfo, error) {
	id, err := peer.Decode(n.Peer)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	info := peer.AddrInfo{ID: id}
	for _, s := range n.Addrs {
		addr, err := ma.NewMultiaddr(s)
		if err != nil {
			return peer.AddrInfo{}, err
		}
		transport, _ := peer.SplitAddr(addr)
		info.Addrs = append(info.Addrs, transport)
	}
	return info, nil
}

// ofOneNetwork are the candidates of the network that is wanted; if none is,
// all must be of one.
func ofOneNetwork(all []candidate, wanted string) ([]candidate, error) {
	if wanted != "" {
		return slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return c.network != wanted }), nil
	}
	byNetwork := titlesByNetwork(all)
	if len(byNetwork) > 1 {
		return nil, usagef("nodes of several networks answer here:\n%s", strings.Join(byNetwork, "\n")).
			withHint("choose one with --network NAME, or a node with --node")
	}
	return all, nil
}

// titlesByNetwork has one line for each network, with its nodes.
func titlesByNetwork(all []candidate) []string {
	titles := make(map[string][]string)
	for _, c := range all {
		titles[c.network] = append(titles[c.network], c.title)
	}
	lines := make([]string, 0, len(titles))
	for network, some := range titles {
		lines = append(lines, fmt.Sprintf("%s: %s", network, strings.Join(some, ", ")))
	}
	slices.Sort(lines)
	return lines
}

func nothingFound(others []candidate, wanted string) error {
	if wanted == "" || len(others) == 0 {
		return failf(exitUnreachable, "no node is running here, and none was named").
			withHint("start one with citynode run CITY, or name one with --node")
	}
	return failf(exitUnreachable, "no node of network %s is running here; there are:\n%s",
		wanted, strings.Join(titlesByNetwork(others), "\n")).
		withHint("start one with citynode run CITY --network %s, or name one with --node", wanted)
}

// noNode is the error where no candidate could be asked.
func noNode(failures []error) error {
	if len(failures) == 1 {
		return failures[0]
	}
	return failf(exitUnreachable, "no node can be reached:\n%w", errors.Join(failures...))
}

// mDNS answers within a fraction of a second on a working network.
const (
	browseFor   = 2 * time.Second        // where nobody answers
	browseAfter = 300 * time.Millisecond // where somebody did, for others
)

// nodesNear are nodes that mDNS finds, with the networks that they speak.
func (d *dispatcher) nodesNear(ctx context.Context) []candidate {
	if mdnsOff() {
		return nil
	}
	var candidates []candidate
	for _, info := range browse(ctx) {
		c := candidate{info: info, title: fmt.Sprintf("a node that mDNS found (%s)", info.ID)}
		network, err := d.connect(ctx, c, "")
		if err != nil {
			continue // nobody has asked for this one
		}
		c.network = network
		candidates = append(candidates, c)
	}
	return candidates
}
