package protocol

import (
	"context"

	"github.com/citynode/citynode/crdt"
)

// Update brings entries to the city, tombstones first, in as many requests as
// their size takes, a few of them on their way at once. The reply has the sums
// over all requests and the last summary. With an error it counts what was
// answered before it; merging is idempotent, so all of e may be sent again.
func (c *Client) Update(ctx context.Context, e crdt.Entries) (total UpdateReply, err error) {
	var sent []*exchange
	defer func() {
		for _, x := range sent {
			c.pipe.abandon(x)
		}
	}()
	collect := func() error {
		reply, err := only[UpdateReply](ctx, c, sent[0])
		sent = sent[1:]
		if err != nil {
			return err
		}
		total.Changed += reply.Changed
		total.Skipped += reply.Skipped
		total.Full += reply.Full
		total.Summary = reply.Summary
		return nil
	}
	for part, rest := split(e, updateBytesMax); ; part, rest = split(rest, updateBytesMax) {
		if len(sent) == updateWindow {
			if err := collect(); err != nil {
				return total, err
			}
		}
		x, err := c.start(ctx, MethodUpdate, c.pipe.nextID(), UpdateRequest{Entries: part})
		if err != nil {
			return total, err
		}
		sent = append(sent, x)
		if rest.Len() == 0 {
			break
		}
	}
	for len(sent) > 0 {
		if err := collect(); err != nil {
			return total, err
		}
	}
	return total, nil
}

// split cuts from e a part whose entries take at most bytesMax bytes, and at
// least one entry if there is any: tombstones first, then heroes, in order.
func split(e crdt.Entries, bytesMax int) (part, rest crdt.Entries) {
	tombstones, left := fitting(e.Tombstones, crdt.TombstoneSize, bytesMax)
	heroes := 0
	if tombstones == len(e.Tombstones) {
		heroes, _ = fitting(e.Heroes, crdt.HeroSize, left)
	}
	if tombstones+heroes == 0 { // an entry over the limit, which the city is to refuse
		tombstones, heroes = min(len(e.Tombstones), 1), min(len(e.Heroes), 1-min(len(e.Tombstones), 1))
	}
	if tombstones > 0 { // an empty array would be sent
		part.Tombstones = e.Tombstones[:tombstones]
	}
	if heroes > 0 {
		part.Heroes = e.Heroes[:heroes]
	}
	rest = crdt.Entries{Tombstones: e.Tombstones[tombstones:], Heroes: e.Heroes[heroes:]}
	return part, rest
}

// fitting returns how many of entries fit into bytesMax bytes from the first
// on, and how many bytes are left.
func fitting[T any](entries []T, size func(T) int, bytesMax int) (n, left int) {
	left = bytesMax
	for ; n < len(entries); n++ {
		bytes := size(entries[n])
		if bytes > left {
			break
		}
		left -= bytes
	}
	return n, left
}
