package names

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
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// claimTimeout bounds the search for another holder of the name. A start must not
	// hang on a slow DHT; a holder that is found later makes the name contested.
	claimTimeout = 3 * time.Second
	// claimAsks bounds the neighbours that are asked for the name. They all know the
	// same cities, but for those that have just come.
	claimAsks = 8
)

// A claim says that a peer is the city of a name, and since when.
type claim struct {
	holder peer.AddrInfo
	since  crdt.Stamp
}

// beats reports whether the claim is kept now against another: the older claim is, and
// of two as old that of the lower peer ID. Both sides have both claims, so each comes
// to the same end without another message.
func (c claim) beats(other claim, now crdt.Stamp) bool {
	return cmp.Or(cmp.Compare(c.believed(now), other.believed(now)), cmp.Compare(c.holder.ID, other.holder.ID)) < 0
}

// believed returns since when the claim counts. One from before crdt.EarliestSet, or from
// the future, was made by a clock that was wrong, and counts as made now.
func (c claim) believed(now crdt.Stamp) crdt.Stamp {
	if c.since < crdt.EarliestSet {
		return now
	}
	return min(c.since, now)
}

// ownClaim returns the claim of this city; since is 0 while it has never had its
// name.
func (n *Names) ownClaim() claim {
	return claim{holder: peer.AddrInfo{ID: n.cfg.Host.ID()}, since: n.cfg.Tenure.Since()}
}

// Claim takes the city's name. It returns the holder if another live peer holds the
// name and keeps it. A city that has had the name before keeps it among strangers,
// who can claim anything: the name is then contested.
func (n *Names) Claim(ctx context.Context) (holder *peer.AddrInfo, err error) {
	own := n.ownClaim()
	if own.since == 0 || n.cfg.Trusted {
		// Without a neighbour there is nobody to ask: the DHT too is reached through
		// one.
		n.cfg.Await(ctx)
		rival, found := n.findRival(ctx, func(c claim) bool { return own.since == 0 || c.beats(own, n.cfg.Now()) })
		// A search that was cut short has not shown that the name is free.
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if found {
			return &rival.holder, nil
		}
	}
	return nil, n.cfg.Tenure.Claim(n.cfg.Now())
}

// findRival asks the neighbours and the DHT, all at once, for another city of this
// name whose claim matters, and returns the first.
func (n *Names) findRival(ctx context.Context, matters func(claim) bool) (claim, bool) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	found := make(chan claim, claimAsks+1) // has room for all, so that none waits
	var (
		asking sync.WaitGroup
		panics supervise.Relay
	)
	ask := func(f func() (claim, error)) {
		asking.Go(func() {
			_ = panics.Guard(func() error { // thrown again below
				if c, err := f(); err == nil && matters(c) {
					found <- c
				}
				return nil
			})
		})
	}
	for _, p := range n.cfg.Neighbours(claimAsks) {
		ask(func() (claim, error) { return n.claimKnownTo(ctx, p) })
	}
	ask(func() (claim, error) { return n.rivalInDHT(ctx) })
	go func() { // ends with the asking, which ends with ctx
		asking.Wait()
		close(found)
	}()
	first, ok := <-found
	cancel()
	for range found { // until all have ended
	}
	panics.Rethrow()
	return first, ok
}

// rivalInDHT looks the own name up as that of another city. The own peer ID is the
// asker, which a search never returns.
func (n *Names) rivalInDHT(ctx context.Context) (claim, error) {
	other, err := n.lookupOther(ctx, n.cfg.Host.ID(), n.cfg.City)
	if err != nil {
		return claim{}, err
	}
	return n.claimOf(ctx, other.ID, n.cfg.City)
}

// claimOf asks a peer whether it is the city of that name, and since when.
func (n *Names) claimOf(ctx context.Context, p peer.ID, name string) (claim, error) {
	info, err := n.cfg.Members.Identify(ctx, p)
	if err != nil {
		return claim{}, err
	}
	if info.City != name {
		return claim{}, fmt.Errorf("peer %s is city %s: %w", p, info.City, bootstrap.ErrOtherCity)
	}
	return claim{holder: n.cfg.Members.AddrInfo(p), since: info.Since}, nil
}

// claimKnownTo asks one neighbour for another city of this name, which may be the
// neighbour itself.
func (n *Names) claimKnownTo(ctx context.Context, p peer.ID) (claim, error) {
	if c, err := n.claimOf(ctx, p, n.cfg.City); err == nil {
		return c, nil
	}
	var reply protocol.LookupReply
	err := n.cfg.Clients.Call(ctx, p, func(client *protocol.Client) (err error) {
		reply, err = client.Lookup(ctx, n.cfg.City)
		return err
	})
	if err != nil {
		if !errors.Is(err, protocol.ErrNotFound) {
			n.log.Debug("neighbour could not be asked for the name", "peer", p, "err", err)
		}
		return claim{}, err
	}
	other, err := bootstrap.ReadAddrInfo(reply.Peer, reply.Addrs)
	if err == nil && other.ID == n.cfg.Host.ID() {
		err = bootstrap.ErrOtherCity // a neighbour of an older version finds this city
	}
	if err != nil {
		return claim{}, err
	}
	// Only so that the question below can dial: the answer counts by the peer ID that
	// it comes from.
	n.cfg.Host.Peerstore().AddAddrs(other.ID, other.Addrs, peerstore.TempAddrTTL)
	return n.claimOf(ctx, other.ID, n.cfg.City)
}
