package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/protocol"
)

// create makes a hero whose id is that of the request.
func (c *calls) create(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.CreateRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	// Where the reply is a refusal, the server sends the error alone.
	reply, err := c.city.Do(ctx, city.Create{Caller: callerOf(call), HeroName: r.Name, Here: r.Here})
	return &protocol.HeroReply{Hero: reply.Hero, Summary: reply.Summary}, err
}

// assign orders a hero here or home. What the caller brought along is merged first, also
// when the order is then refused: the caller may know of a hero that this city does
// not.
func (c *calls) assign(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.AssignRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	// A retry must bring the same entries: they are part of what makes it the same request.
	order := city.Assign{Caller: callerOf(call), Hero: r.Hero, Home: r.Home}
	if r.Entries != nil {
		order.With = *r.Entries
	}
	reply, err := c.city.Do(ctx, order)
	return &protocol.HeroReply{Hero: reply.Hero, Summary: reply.Summary}, err
}

// retire ends a hero for ever.
func (c *calls) retire(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.RetireRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	reply, err := c.city.Do(ctx, city.Retire{Caller: callerOf(call), Hero: r.Hero})
	return &protocol.RetireReply{Tombstone: reply.Tombstone, Summary: reply.Summary}, err
}

// update merges entries. They were validated when the body was decoded.
func (c *calls) update(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.UpdateRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	reply, err := c.city.Do(ctx, city.Update{Entries: r.Entries, Source: city.SourceCaller, From: call.Caller})
	return &protocol.UpdateReply{
		Changed: uint64(reply.Changed),
		Summary: reply.Summary,
		Skipped: uint64(reply.Skipped),
		Full:    uint64(reply.LeftOut.Len()),
	}, err
}

// bomb voids the store, answers, and then crashes the city: a caller that got its answer
// can rely on it, whatever happens to this process in between.
func (c *calls) bomb(call *protocol.Call) error {
	if !c.isAdmin(peer.ID(call.Caller)) {
		return protocol.Errorf(protocol.Forbidden, "only an admin of city %s may bomb it", c.name)
	}
	inc, err := c.city.Current()
	if err != nil {
		return err
	}
	if err := c.voidStore(); err != nil {
		return err
	}
	call.AfterReply(func() {
		// It is the incarnation that was asked: one that has begun since was not bombed.
		// Fails only if the city has crashed on its own meanwhile.
		_, _ = inc.Do(context.Background(), city.Bomb{})
	})
	return nil
}

// voidStore leaves nothing of the state in the store. It comes before the answer to
// a bomb, so that no crash can undo the bomb.
func (c *calls) voidStore() error {
	if c.journal == nil {
		return nil
	}
	if err := c.journal.Raise(); err != nil {
		return protocol.Errorf(protocol.Unavailable, "city %s cannot be bombed, for its store does not work: %w", c.name, err)
	}
	return nil
}

// callerOf returns who gave an order. A call comes over a connection, which has proved
// the peer ID that answers are remembered under.
func callerOf(call *protocol.Call) city.Caller {
	return city.Caller{Name: call.Caller, Connected: true, Request: call.Request.ID}
}
