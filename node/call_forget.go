package node

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// forget drops cities that are gone from the directory, and from the peers to be dialed:
// the operator says that they will not come back. One that does is known again by its own
// info, as a new one is.
func (c *calls) forget(call *protocol.Call) (any, error) {
	if caller := peer.ID(call.Caller); !c.isAdmin(caller) {
		return nil, protocol.Errorf(protocol.Forbidden, "peer %s may not have city %s forget", caller, c.name)
	}
	var r protocol.ForgetRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	which := func(e membership.Entry) bool { return e.Peer == peer.ID(r.Peer) }
	if r.City != "" {
		if err := crdt.ValidateCityName(r.City); err != nil {
			return nil, protocol.Errorf(protocol.BadRequest, "city: %w", err)
		}
		which = func(e membership.Entry) bool { return e.Presence.City == r.City }
	}
	dropped, kept := c.directory.ForgetGone(which)
	if len(dropped) == 0 && kept > 0 {
		return nil, protocol.Errorf(protocol.BadRequest, "it is alive: city %s would know it again at its next word; stop it first", c.name)
	}
	reply := protocol.ForgetReply{Peers: [][]byte{}}
	for _, p := range dropped {
		c.saved.Forget(p)
		c.logger.Info("a city is forgotten, as an admin has asked", "peer", p, "admin", peer.ID(call.Caller))
		reply.Peers = append(reply.Peers, []byte(p))
	}
	return reply, nil
}
