package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
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
// of this name, and keeps it.
type NameTakenError struct {
	Name   string
	Holder peer.AddrInfo
}

// Error names the holder.
func (e *NameTakenError) Error() string {
	return fmt.Sprintf("the name %s is held by peer %s, which is alive at %v; choose another name, or stop that city first",
		e.Name, e.Holder.ID, e.Holder.Addrs)
}

// claim is who says to be a city, and since when.
type claim struct {
	holder peer.AddrInfo
	since  crdt.Stamp
}

// beats tells whether a claim is kept now against another: the older one is, and of
// two as old that of the lower peer ID. One from before sinceMin, or from the
// future, is that of a clock that was wrong, and as good as made now.
func (c claim) beats(other claim, now crdt.Stamp) bool {
	return cmp.Or(cmp.Compare(c.believed(now), other.believed(now)), cmp.Compare(c.holder.ID, other.holder.ID)) < 0
}

func (c claim) believed(now crdt.Stamp) crdt.Stamp {
	if c.since < sinceMin {
		return now
	}
	return min(c.since, now)
}

// ownClaim is this city's; with no since, while it has never had its name.
func (n *Node) ownClaim() claim {
	return claim{holder: peer.AddrInfo{ID: n.host.ID()}, since: n.kept.Since()}
}

// claim takes the city's name, or finds that another live peer holds it and keeps
// it. A city that has had the name before keeps it among strangers, who can claim
// anything: that is then a name contested.
func (n *Node) claim(ctx context.Context) error {
	n.entropy.opening.nodeStarted()
	own := n.ownClaim()
	if own.since == 0 || n.cfg.Trusted {
		n.awaitNeighbours(ctx)
		rival, found := n.findClaim(ctx, func(c claim) bool { return own.since == 0 || c.beats(own, n.now()) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if found {
			return &NameTakenError{Name: n.cfg.City.Name, Holder: rival.holder}
		}
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

// findClaim asks the neighbours and the DHT, all at once, for another city of this
// name whose claim matters.
func (n *Node) findClaim(ctx context.Context, matters func(claim) bool) (claim, bool) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	found := make(chan claim, claimAsks+1)
	var (
		asking sync.WaitGroup
		panics relay
	)
	ask := func(f func() (claim, error)) {
		asking.Go(func() {
			_ = panics.guard(func() error { // thrown again below
				if c, err := f(); err == nil && matters(c) {
					found <- c
				}
				return nil
			})
		})
	}
	for _, p := range n.entropy.pick(claimAsks) {
		ask(func() (claim, error) { return n.claimKnownTo(ctx, p) })
	}
	ask(func() (claim, error) {
		other, err := n.lookupOther(ctx, n.host.ID(), n.cfg.City.Name)
		if err != nil {
			return claim{}, err
		}
		return n.claimOf(ctx, other.ID, n.cfg.City.Name)
	})
	go func() { // ends with the asking, which ends with ctx
		asking.Wait()
		close(found)
	}()
	first, ok := <-found
	cancel()
	for range found { // until all have ended
	}
	panics.rethrow()
	return first, ok
}

// claimKnownTo asks one neighbour for another city of this name, which may be the
// neighbour itself.
func (n *Node) claimKnownTo(ctx context.Context, p peer.ID) (claim, error) {
	name := n.cfg.City.Name
	if c, err := n.claimOf(ctx, p, name); err == nil {
		return c, nil
	}
	client, _, err := n.clients.borrow(ctx, p)
	if err != nil {
		return claim{}, err
	}
	reply, err := client.Lookup(ctx, name)
	n.clients.giveBack(p, client, ctx.Err() != nil)
	if err != nil {
		if !errors.Is(err, protocol.ErrNotFound) {
			n.log.Debug("neighbour could not be asked for the name", "peer", p, "err", err)
		}
		return claim{}, err
	}
	other, err := decodeAddrInfo(reply)
	if err == nil && other.ID == n.host.ID() {
		err = bootstrap.ErrOtherCity // a neighbour of an older version finds this city
	}
	if err != nil {
		return claim{}, err
	}
	n.host.Peerstore().AddAddrs(other.ID, other.Addrs, peerstore.TempAddrTTL)
	return n.claimOf(ctx, other.ID, name)
}
