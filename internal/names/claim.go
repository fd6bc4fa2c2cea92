package names

import (
	"cmp"
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
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

// Claim takes the city's name, or returns the peer that holds it. Only a start is refused
// so, and only a first one among strangers: a city that has had its name before keeps it,
// since strangers can claim anything, and the name is then contested. On a network without
// strangers it keeps the name unless the other's claim is older.
func (n *Names) Claim(ctx context.Context) (holder *peer.AddrInfo, err error) {
	own := n.ownClaim()
	if own.since == 0 || n.cfg.Trusted {
		// Without a neighbour there is nobody to ask.
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

// claimOf asks a peer whether it is the city of that name, and since when. The question
// does not tell the name.
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
