package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/internal/operator"
	"github.com/citynode/citynode/node/dispatch"
)

// envNode names the node to ask where --node does not.
const envNode = "CITYNODE_NODE"

// A namedNode is the address that a person gave of the node to ask.
type namedNode struct {
	address string // "": none was given
	source  string // the flag or the variable of the environment
}

func (g *globals) namedNode() namedNode {
	if g.node != "" {
		return namedNode{g.node, "--node"}
	}
	return namedNode{os.Getenv(envNode), envNode}
}

// candidates returns the nodes at the address that was given; if none was given,
// those of this user that run on this machine.
func (n namedNode) candidates(ctx context.Context) ([]dispatch.Candidate, error) {
	if n.address == "" {
		return nodesHere()
	}
	addrs, err := bootstrap.ParsePeers([]string{n.address})
	if item, ok := errors.AsType[*bootstrap.ItemError](err); ok {
		err = item.Err
	}
	if err != nil || len(addrs) == 0 {
		return nil, usagef("%s %q: %w", n.source, n.address, cmp.Or(err, errors.New("is blank"))).
			withHint("a node prints its addresses when it starts")
	}
	infos, err := (&bootstrap.Resolver{}).Resolve(ctx, addrs)
	if len(infos) == 0 {
		return nil, failf(exitUnreachable, "%s %s: %w", n.source, n.address, cmp.Or(err, errors.New("it leads to no node")))
	}
	candidates := make([]dispatch.Candidate, 0, len(infos))
	for _, info := range infos {
		candidates = append(candidates, dispatch.Candidate{Peer: info, Title: fmt.Sprintf("the node of %s (%s)", n.source, n.address)})
	}
	return candidates, nil
}

// cannotBeMade reports whether a folder that is not there could not be made.
func cannotBeMade(err error) bool {
	for _, cause := range []error{fs.ErrPermission, fs.ErrNotExist, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ENOTDIR} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// otherNodes returns one line for each node of this user that is listed in another runtime
// folder than the one of this command.
func otherNodes() []string {
	own, err := operator.RuntimeFolder()
	if err != nil {
		own = ""
	}
	var lines []string
	for dir, nodes := range operator.OtherNodes(own) {
		for _, n := range nodes {
			lines = append(lines, fmt.Sprintf("%s of network %s (process %d), in %s: --node %s",
				n.City, n.Network, n.PID, dir, cmp.Or(append(n.Addrs, "")...)))
		}
	}
	slices.Sort(lines)
	return lines
}

// nodesHere returns the nodes of this user that run on this machine.
func nodesHere() ([]dispatch.Candidate, error) {
	dir, err := operator.RuntimeFolder()
	if cannotBeMade(err) {
		return nil, nil // then no node has listed itself there
	}
	if err != nil {
		return nil, err
	}
	nodes, err := operator.RunningNodes(dir)
	if err != nil {
		return nil, err
	}
	var candidates []dispatch.Candidate
	for _, n := range nodes {
		info, err := n.AddrInfo()
		if err != nil {
			continue // written by another version
		}
		title := fmt.Sprintf("%s on this machine (process %d)", n.City, n.PID)
		candidates = append(candidates, dispatch.Candidate{Peer: info, Network: n.Network, Title: title})
	}
	return candidates, nil
}
