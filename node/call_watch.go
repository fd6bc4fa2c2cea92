package node

import (
	"context"
	"errors"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// changesPerReply keeps a reply with changes well within a frame.
const changesPerReply = 512

// watch sends what changes until the caller closes its side. It takes the stream's
// goroutine for as long, so a watch is the last call of its stream. A caller that reads
// slowly holds up this goroutine alone: the city drops a watcher that falls too far
// behind, and the caller gets the state again.
func (c *calls) watch(ctx context.Context, call *protocol.Call) error {
	var r protocol.WatchRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	if r.Location != "" {
		if err := crdt.ValidateLocation(r.Location); err != nil {
			return protocol.Errorf(protocol.BadRequest, "location: %w", err)
		}
	}
	inc, err := c.city.Current()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	share, err := c.watches.Take(call.Caller, end)
	if err != nil {
		return err
	}
	defer c.watches.GiveBack(share)
	watcher, summary, err := inc.Watch(ctx, r.Location)
	if err != nil {
		return err
	}
	defer watcher.Close()
	// At once, for a caller that does not read holds this goroutine up in Send.
	defer context.AfterFunc(ctx, watcher.Close)()
	err = c.sendAll(ctx, call, watcher, summary)
	if busy, ok := errors.AsType[*protocol.Error](context.Cause(ctx)); ok {
		return busy // the watch was given to another caller
	}
	return err
}

// sendAll sends the summary, and then what the watcher is told.
func (c *calls) sendAll(ctx context.Context, call *protocol.Call, watcher *city.Watcher, summary crdt.Summary) error {
	ctx, cancel := call.UntilClosed(ctx)
	defer cancel()
	// Before any change: what the caller gets after this summary it cannot have missed.
	if err := call.Send(&protocol.GetReply{Summary: &summary}); err != nil {
		return err
	}
	for {
		changes, err := watcher.Next(ctx)
		if err != nil {
			return err
		}
		if err := sendChanges(call, changes); err != nil {
			return err
		}
	}
}

// sendChanges sends changes, in as many replies as that takes.
func sendChanges(call *protocol.Call, changes []crdt.Change) error {
	for len(changes) > 0 {
		n := min(len(changes), changesPerReply)
		var entries crdt.Entries
		for _, change := range changes[:n] {
			entries.Append(change.Entries())
		}
		if err := call.Send(&protocol.GetReply{Entries: &entries}); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}
