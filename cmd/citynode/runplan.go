package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/operator"
	"github.com/citynode/citynode/node"
)

// A runPlan is what run is to do.
type runPlan struct {
	config node.Config
	ready  time.Duration // 0: no limit
	quiet  bool          // tell no more than that it is ready
	log    *runLog
}

// start makes the node, which then listens, and lists it for this user's other
// processes. The function undoes the listing.
func (p *runPlan) start(ctx context.Context, out *eventPrinter) (*node.Node, func(), error) {
	c := &p.config
	c.Events = out.events(c.City.Name)
	own, err := operatorPeer()
	if err != nil {
		return nil, nil, err
	}
	c.Admins = append(c.Admins, own)
	runtimeDir, err := operator.RuntimeFolder()
	if err != nil {
		return nil, nil, writeError(err, operator.ChosenBy(operator.EnvRuntimeDir))
	}
	unlock, err := operator.LockStarts(ctx, runtimeDir)
	if err != nil {
		return nil, nil, writeError(err, operator.ChosenBy(operator.EnvRuntimeDir))
	}
	defer unlock()
	return p.listen(runtimeDir)
}

// listen makes the node, with this user's others as peers to join, and lists
// it.
func (p *runPlan) listen(runtimeDir string) (*node.Node, func(), error) {
	c := &p.config
	others, err := operator.RunningNodes(runtimeDir)
	if err != nil {
		return nil, nil, err
	}
	c.Bootstrap = append(c.Bootstrap, addrsHere(others, c.Network)...)
	n, err := node.New(*c)
	if err != nil {
		return nil, nil, startError(err, c)
	}
	listed, err := operator.Publish(runtimeDir, operator.RunningNode{
		Network:     c.Network,
		City:        c.City.Name,
		Peer:        n.Peer().String(),
		IdentityKey: datadir.KeyPath(c.DataDir),
		Addrs:       textsOf(n.Addrs()),
		PID:         os.Getpid(),
	})
	if err != nil {
		return nil, nil, writeError(errors.Join(err, n.Close()), operator.ChosenBy(operator.EnvRuntimeDir))
	}
	return n, listed.Remove, nil
}

// startError says why a node was not made, for a person.
func startError(err error, c *node.Config) error {
	if locked, ok := errors.AsType[*datadir.LockedError](err); ok {
		return cityRuns(locked, c.Network, c.City.Name)
	}
	if errors.Is(err, node.ErrListen) {
		return failf(exitFailure, "%w", err).
			withHint("another program has the port, or the address is not one of this machine; choose another with --listen")
	}
	return folderError(fmt.Errorf("start the node: %w", err))
}

// addrsHere returns the addresses of the nodes of one network.
func addrsHere(nodes []operator.RunningNode, network string) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, n := range nodes {
		if n.Network != network {
			continue
		}
		for _, text := range n.Addrs {
			if addr, err := ma.NewMultiaddr(text); err == nil {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs
}

func textsOf(addrs []ma.Multiaddr) []string {
	texts := make([]string, 0, len(addrs))
	for _, addr := range addrs {
		texts = append(texts, addr.String())
	}
	return texts
}
