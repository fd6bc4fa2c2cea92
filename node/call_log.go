package node

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// log tells the levels of the node's log, or changes them.
func (c *calls) log(call *protocol.Call) (any, error) {
	if !c.isAdmin(peer.ID(call.Caller)) {
		return nil, protocol.Errorf(protocol.Forbidden, "only an admin of city %s may see and change its log", c.name)
	}
	var r protocol.LogRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	if c.levels == nil {
		return nil, protocol.Errorf(protocol.Unsupported, "city %s is part of a program that sees to its log itself", c.name)
	}
	if r.Levels != "" {
		if err := c.levels.Apply(r.Levels); err != nil {
			return nil, protocol.Errorf(protocol.BadRequest, "levels: %w", err)
		}
	}
	return &protocol.LogReply{Levels: c.levels.String(), Components: c.levels.Components()}, nil
}
