package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/operator"
	"github.com/citynode/citynode/node"
)

// runPlan is what run is to do.
type runPlan struct {
	config node.Config
	// dataDir is the city's folder, empty for the usual one. An ephemeral city
	// stores nothing.
	dataDir   string
	ephemeral bool
	ready     time.Duration // 0: no limit
}

// start takes the city's lock, makes the node, which then listens, and lists it
// for this user's other processes. The function undoes all but the node.
func (p *runPlan) start(ctx context.Context, out *eventPrinter) (*node.Node, func(), error) {
	c := &p.config
	folder, err := makeCityFolder(p.dataDir, c.Network, c.City.Name)
	if err != nil {
		return nil, nil, folderError(err)
	}
	lock, err := lockCity(folder, c.Network, c.City.Name)
	if err != nil {
		return nil, nil, folderError(err)
	}
	n, unlist, err := p.startLocked(ctx, folder, out)
	if err != nil {
		p.closeStore()
		lock.Release()
		return nil, nil, err
	}
	return n, func() { unlist(); p.closeStore(); lock.Release() }, nil
}

// openStore opens the store in the city's folder.
func (p *runPlan) openStore(folder string) (err error) {
	c := &p.config
	if p.ephemeral {
		return nil
	}
	if c.Store, err = openStore(folder, c.Network, c.City.Name, c.Identity); err != nil {
		return err
	}
	if torn := c.Store.Recovered(); torn.File != "" {
		c.Logger.Warn("the store's log was cut off in a write that nobody was told of; it is repaired",
			"file", torn.File, "offset", torn.Offset, "bytes_dropped", torn.DroppedBytes, "batches_kept", torn.Records)
	}
	return nil
}

func (p *runPlan) closeStore() {
	if s := p.config.Store; s != nil {
		if err := s.Close(); err != nil {
			p.config.Logger.Warn("the store was not closed", "err", err)
		}
	}
}

func (p *runPlan) startLocked(ctx context.Context, folder string, out *eventPrinter) (*node.Node, func(), error) {
	c := &p.config
	c.StateDir = folder
	c.Events = out.events(c.City.Name)
	own, err := operatorPeer()
	if err != nil {
		return nil, nil, err
	}
	c.Admins = append(c.Admins, own)
	if c.Identity, err = cityKey(folder, c.City.Name); err != nil {
		return nil, nil, folderError(err)
	}
	if err := p.openStore(folder); err != nil {
		return nil, nil, err
	}
	runtimeDir, err := operator.RuntimeFolder()
	if err != nil {
		return nil, nil, err
	}
	unlock, err := operator.LockStarts(ctx, runtimeDir)
	if err != nil {
		return nil, nil, writeError(err, operator.EnvRuntimeDir)
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
		return nil, nil, startError(err)
	}
	listed, err := operator.Publish(runtimeDir, operator.RunningNode{
		Network:     c.Network,
		City:        c.City.Name,
		Peer:        n.Peer().String(),
		IdentityKey: operator.IdentityPath(c.StateDir),
		Addrs:       textsOf(n.Addrs()),
		PID:         os.Getpid(),
	})
	if err != nil {
		return nil, nil, writeError(errors.Join(err, n.Close()), operator.EnvRuntimeDir)
	}
	return n, listed.Remove, nil
}

func startError(err error) error {
	if errors.Is(err, node.ErrListen) {
		return failf(exitFailure, "%w", err).
			withHint("another program has the port, or the address is not one of this machine; choose another with --listen")
	}
	return fmt.Errorf("start the node: %w", err)
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
