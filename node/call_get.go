package node

import (
	"context"
	"errors"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// recordsPerReply keeps a reply with records that were asked for by id, each of at
// most crdt.HeroBytesMax, well within a frame.
const recordsPerReply = 512

// get sends the state, or the part of it that was asked for, in pages.
func (c *calls) get(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.GetRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	if r.Location != "" {
		if err := crdt.ValidateLocation(r.Location); err != nil {
			return nil, protocol.Errorf(protocol.BadRequest, "location: %w", err)
		}
	}
	// All pages are read of one incarnation. A crash in between fails the call, where a
	// page of the next one would leave out what that one has not learned yet.
	inc, err := c.city.Current()
	if err != nil {
		return nil, err
	}
	send := sendPages
	if r.IDs != nil {
		send = sendRecords
	}
	summary, err := send(ctx, call, inc, r)
	if err != nil {
		return nil, err
	}
	return &protocol.GetReply{Summary: &summary}, nil
}

// sendPages sends the state, or its heroes at a location, and returns the summary of
// the state after the last page. The pages are not of one instant: each is a turn of the
// loop, and between two of them, while the caller reads, the city goes on. A hero that
// changes meanwhile comes in one version or in several; the caller merges.
func sendPages(ctx context.Context, call *protocol.Call, inc *city.Incarnation, r protocol.GetRequest) (crdt.Summary, error) {
	var at crdt.Cursor
	for {
		page, err := readPage(ctx, inc, r.Location, at)
		if err != nil {
			return crdt.Summary{}, err
		}
		if err := sendPage(call, page.Entries); err != nil {
			return crdt.Summary{}, err
		}
		if !page.More {
			return inc.Summary(ctx)
		}
		at = page.Next
	}
}

// sendPage sends entries, if there are any. More of them or the summary follows at
// once, so a small page is held back until then.
func sendPage(call *protocol.Call, e crdt.Entries) error {
	if e.Len() == 0 {
		return nil
	}
	return call.Hold(&protocol.GetReply{Entries: &e})
}

// readPage returns the next page of the state, or of its heroes at a location.
func readPage(ctx context.Context, inc *city.Incarnation, location string, at crdt.Cursor) (city.Page, error) {
	if location == "" {
		return inc.Page(ctx, at)
	}
	return inc.PageAt(ctx, location, at)
}

// sendRecords sends the records that were asked for by id. It returns the summary of
// the state at the moment of the last of them. How many ids there may be the frame of
// the request bounds, and the caller's budget has paid for its bytes.
func sendRecords(ctx context.Context, call *protocol.Call, inc *city.Incarnation, r protocol.GetRequest) (crdt.Summary, error) {
	for ids := r.IDs; ; {
		n := min(len(ids), recordsPerReply)
		found, summary, err := inc.Records(ctx, ids[:n])
		if err != nil {
			return crdt.Summary{}, err
		}
		if r.Location != "" {
			found = heroesAt(found, r.Location)
		}
		if err := sendPage(call, found); err != nil {
			return crdt.Summary{}, err
		}
		if ids = ids[n:]; len(ids) == 0 {
			return summary, nil
		}
	}
}

// heroesAt returns the heroes of the entries that are at the location. Tombstones are
// nowhere, and left out.
func heroesAt(e crdt.Entries, location string) crdt.Entries {
	var there crdt.Entries
	for _, hero := range e.Heroes {
		if hero.Location == location {
			there.Heroes = append(there.Heroes, hero)
		}
	}
	return there
}

// export sends the state as it is now. The city goes on while the caller reads: a caller
// that reads slowly holds up this goroutine alone, and a city that changes much meanwhile
// gives up.
func (c *calls) export(ctx context.Context, call *protocol.Call) (any, error) {
	if !c.isAdmin(peer.ID(call.Caller)) {
		return nil, protocol.Errorf(protocol.Forbidden, "only an admin of city %s may export its state", c.name)
	}
	inc, err := c.city.Current()
	if err != nil {
		return nil, err
	}
	cut, err := inc.Cut(ctx)
	if err != nil {
		return nil, err
	}
	defer cut.Close()
	head := &protocol.ExportCut{Network: c.network, City: c.name, Peer: []byte(c.self.peer), Taken: cut.Taken, Summary: cut.Summary}
	if err := call.Hold(&protocol.ExportReply{Cut: head}); err != nil {
		return nil, err
	}
	for count := uint64(0); ; {
		entries, err := cut.Next(ctx)
		if errors.Is(err, io.EOF) {
			return &protocol.ExportReply{Count: &count}, nil
		}
		if err != nil {
			return nil, err
		}
		if err := call.Hold(&protocol.ExportReply{Entries: &entries}); err != nil {
			return nil, err
		}
		count += uint64(entries.Len())
	}
}
