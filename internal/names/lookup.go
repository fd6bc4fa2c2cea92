package names

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// Lookup finds the city of a name and where it can be dialed, for the peer asker. The
// peer that is returned has just said itself that it is that city. The asker is not
// the answer: who asks for its own name looks for another holder. The error matches
// protocol.ErrNotFound if there is no such city, protocol.ErrUnavailable if one is
// known, or may be, and does not answer now, and protocol.ErrBadRequest if the name
// is none.
func (n *Names) Lookup(ctx context.Context, asker peer.ID, name string) (peer.AddrInfo, error) {
	if name == n.cfg.City {
		return peer.AddrInfo{ID: n.cfg.Host.ID(), Addrs: n.cfg.Host.Addrs()}, nil
	}
	return n.lookupOther(ctx, asker, name)
}

// lookupOther does what Lookup does, for a city that is not this one, though it may
// claim the same name.
func (n *Names) lookupOther(ctx context.Context, asker peer.ID, name string) (peer.AddrInfo, error) {
	if err := crdt.ValidateCityName(name); err != nil {
		return peer.AddrInfo{}, protocol.Errorf(protocol.BadRequest, "city: %w", err)
	}
	return n.search(ctx, asker, name)
}
