package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/protocol"
)

const (
	// claimTimeout bounds the search for another holder of the name.
	claimTimeout = 3 * time.Second
	// claimAsks bounds the neighbours that are asked for the name.
	claimAsks = 8
	// claimPoll is how often a starting node looks whether it is connected.
	claimPoll = 20 * time.Millisecond
)

// NameTakenError says that another live peer, which said so itself, is the city
// of this name.
type NameTakenError struct {
	Name   string
	Holder peer.AddrInfo
}

// Error names the holder.
func (e *NameTakenError) Error() string {
	return fmt.Sprintf("the name %s is held by peer %s, which is alive at %v; choose another name, or stop that city first",
		e.Name, e.Holder.ID, e.Holder.Addrs)
}

// claim takes the city's name, or finds that another live peer holds it. A city
// that has had the name before starts all the same: among strangers, who can
// claim anything, that is then a name contested.
func (n *Node) claim(ctx context.Context) error {
	n.entropy.opening.nodeStarted()
	n.awaitNeighbours(ctx)
	holder, found := n.findHolder(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if found && n.kept.Since() == 0 {
		return &NameTakenError{Name: n.cfg.City.Name, Holder: holder}
	}
	return n.kept.Claim(n.now())
}

// awaitNeighbours waits until a city is connected, if there are peers that may
// become one, and for joinWait at most.
func (n *Node) awaitNeighbours(ctx context.Context) {
	if !n.knowsPeers() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	tick := time.NewTicker(claimPoll)
	defer tick.Stop()
	for len(n.entropy.pick(1)) == 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// findHolder asks the neighbours and the DHT, all at once, for another city of
// this name.
func (n *Node) findHolder(ctx context.Context) (peer.AddrInfo, bool) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	found := make(chan peer.AddrInfo, claimAsks+1)
	var (
		asking sync.WaitGroup
		panics relay
	)
	ask := func(f func()) {
		asking.Go(func() { _ = panics.guard(func() error { f(); return nil }) }) // thrown again below
	}
	for _, p := range n.entropy.pick(claimAsks) {
		ask(func() { n.askForHolder(ctx, p, found) })
	}
	ask(func() {
		if holder, err := n.lookupOther(ctx, n.cfg.City.Name); err == nil {
			found <- holder
		}
	})
	go func() { // ends with the asking, which ends with ctx
		asking.Wait()
		close(found)
	}()
	holder, ok := <-found
	cancel()
	for range found { // until all have ended
	}
	panics.rethrow()
	return holder, ok
}

// askForHolder asks one neighbour, which may be the holder itself.
func (n *Node) askForHolder(ctx context.Context, p peer.ID, found chan<- peer.AddrInfo) {
	name := n.cfg.City.Name
	if n.verify(ctx, p, name) == nil {
		found <- n.addrInfo(p)
		return
	}
	client, _, err := n.clients.borrow(ctx, p)
	if err != nil {
		return
	}
	reply, err := client.Lookup(ctx, name)
	n.clients.giveBack(p, client, ctx.Err() != nil)
	if err != nil {
		if !errors.Is(err, protocol.ErrNotFound) {
			n.log.Debug("neighbour could not be asked for the name", "peer", p, "err", err)
		}
		return
	}
	holder, err := decodeAddrInfo(reply)
	if err != nil || holder.ID == n.host.ID() {
		return
	}
	n.host.Peerstore().AddAddrs(holder.ID, holder.Addrs, peerstore.TempAddrTTL)
	if n.verify(ctx, holder.ID, name) == nil {
		found <- holder
	}
}
