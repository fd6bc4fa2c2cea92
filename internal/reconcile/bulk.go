package reconcile

import (
	"context"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

const (
	// bulkShare and bulkOver: a difference of more than this share of the larger
	// state, and more than so many entries, is sent as a whole state, which
	// costs less than to find it.
	bulkShare = 4
	bulkOver  = 128
	// sketchReach is about how many differences can be found at all, with the 32,768
	// cells that a state keeps. Where more differ a whole state is sent.
	sketchReach = 20_000
)

// bulk asks for the other side's whole state. Where that has come already it sends
// the own one. Afterwards the session looks for what is left. Where both have gone each
// side was given all that the other held, and what differs still is what a side leaves
// out, or has changed meanwhile.
func (i *Initiator) bulk(ctx context.Context) (Message, error) {
	if i.options.NotWhole != 0 && i.options.NotWhole == i.result.Peer.Incarnation {
		return Message{}, ErrWhole
	}
	i.result.Bulk = true
	switch {
	case !i.pulled && i.result.Peer.size() > 0:
		i.phase = pulling
		if i.options.Bookmark.Incarnation == i.result.Peer.Incarnation {
			i.mark = i.options.Bookmark
		}
		return Message{kind: KindPull, cursor: i.mark.Cursor}, nil
	case !i.pushed:
		i.pushed = true
		return i.produce(ctx, i.pages(0))
	default:
		return i.close()
	}
}

// paged merges a page of the other side's state. A page that leads nowhere would
// keep the session going for ever, so it is refused.
func (i *Initiator) paged(ctx context.Context, in Message) (Message, error) {
	if err := i.check(in, KindPage); err != nil {
		return Message{}, err
	}
	if in.more && (in.entries.Len() == 0 || in.cursor == i.mark.Cursor) {
		return Message{}, violation("page %#x leads nowhere", uint64(i.mark.Cursor))
	}
	if err := i.merge(ctx, in.entries); err != nil {
		return Message{}, err
	}
	i.mark = Bookmark{Incarnation: in.incarnation, Cursor: in.cursor}
	if in.more {
		return Message{}, nil
	}
	i.mark, i.pulled = Bookmark{}, true
	return i.lookAgain()
}

// pages pushes the own state from the cursor on, page by page, and then looks
// again.
func (i *Initiator) pages(at crdt.Cursor) producer {
	return func(ctx context.Context) (Message, producer, error) {
		page, err := i.replica.Page(ctx, at)
		if err != nil {
			return Message{}, nil, fmt.Errorf("read a page to push: %w", err)
		}
		next := i.pages(page.Next)
		if !page.More {
			next = func(context.Context) (Message, producer, error) {
				m, err := i.lookAgain()
				return m, nil, err
			}
		}
		if page.Entries == 0 {
			return next(ctx)
		}
		return Message{kind: KindPush, encoded: page.Encoded, count: uint64(page.Entries)}, next, nil
	}
}
