package protocol

import (
	"context"
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Get calls page with the pages that match r, one after another, and returns the
// summary of the whole state. What matched from the first page to the last is
// given at least once. page must not call the same client; its error ends the
// call and is returned.
func (c *Client) Get(ctx context.Context, r GetRequest, page func(crdt.Entries) error) (summary crdt.Summary, err error) {
	x, err := c.start(ctx, MethodGet, c.pipe.nextID(), &r)
	if err != nil {
		return summary, err
	}
	err = c.each(ctx, x, func(body RawItem, more bool) error {
		var p GetReply
		if err := c.decode(body, &p); err != nil {
			return err
		}
		switch {
		case more && p.Entries != nil:
			return page(*p.Entries)
		case !more && p.Summary != nil:
			summary = *p.Summary
			return nil
		}
		return c.pipe.fail(fmt.Errorf("%w: a page without entries, or an end without a summary", ErrBadResponse))
	})
	return summary, err
}

// Create makes a hero. request is the id of the request, and becomes the id of the
// hero, so the caller chooses it once and for all: the bytes of a random UUID, not all
// zero. The city remembers its answer under request; a retry has the same request and
// r, creates nothing more and gets that answer.
func (c *Client) Create(ctx context.Context, request crdt.ID, r CreateRequest) (HeroReply, error) {
	return unary[HeroReply](ctx, c, MethodCreate, request, &r)
}

// Assign orders the hero r.Hero to the city that answers, or home. request is the id
// of the request, and not that of the hero: a fresh one for each order. The city
// remembers its answer under request; a retry has the same request and r, orders
// nothing more and gets that answer.
func (c *Client) Assign(ctx context.Context, request crdt.ID, r AssignRequest) (HeroReply, error) {
	return unary[HeroReply](ctx, c, MethodAssign, request, &r)
}

// Retire has the hero r.Hero die. request is the id of the request, and not that of
// the hero, as in [Client.Assign].
func (c *Client) Retire(ctx context.Context, request crdt.ID, r RetireRequest) (RetireReply, error) {
	return unary[RetireReply](ctx, c, MethodRetire, request, &r)
}

// Info asks the city who it is.
func (c *Client) Info(ctx context.Context) (InfoReply, error) {
	return unary[InfoReply](ctx, c, MethodInfo, c.pipe.nextID(), nil)
}

// Lookup asks where the city of that name is.
func (c *Client) Lookup(ctx context.Context, city string) (LookupReply, error) {
	return unary[LookupReply](ctx, c, MethodLookup, c.pipe.nextID(), LookupRequest{City: city})
}

// Log asks for the levels of the node's log, or changes them. The error matches
// ErrForbidden if the caller is no admin, ErrBadRequest if the levels cannot be read, and
// ErrUnsupported if the node's program sees to its log itself.
func (c *Client) Log(ctx context.Context, r LogRequest) (LogReply, error) {
	return unary[LogReply](ctx, c, MethodLog, c.pipe.nextID(), &r)
}

// Cities returns what the city that answers knows of all cities, itself among
// them.
func (c *Client) Cities(ctx context.Context) (lines []CityLine, err error) {
	x, err := c.start(ctx, MethodCities, c.pipe.nextID(), nil)
	if err != nil {
		return nil, err
	}
	err = c.each(ctx, x, func(body RawItem, _ bool) error {
		var p CitiesReply
		if err := c.decode(body, &p); err != nil {
			return err
		}
		if lines = append(lines, p.Cities...); len(lines) > citiesMax {
			return c.pipe.fail(fmt.Errorf("%w: more than %d cities", ErrBadResponse, citiesMax))
		}
		return nil
	})
	return lines, err
}

// Settle orders the city to sync with every city that is alive, and calls line with
// the outcome of each as it comes. line must not call the same client; its error
// ends the call and is returned.
func (c *Client) Settle(ctx context.Context, line func(SettleLine) error) error {
	x, err := c.start(ctx, MethodSettle, c.pipe.nextID(), nil)
	if err != nil {
		return err
	}
	return c.each(ctx, x, func(body RawItem, more bool) error {
		if !more {
			return nil
		}
		var l SettleLine
		if err := c.decode(body, &l); err != nil {
			return err
		}
		return line(l)
	})
}

// Problems returns the problems that the city that answers knows of, its own among
// them, its own first. None: all is well as far as it knows.
func (c *Client) Problems(ctx context.Context) (lines []ProblemLine, err error) {
	x, err := c.start(ctx, MethodProblems, c.pipe.nextID(), nil)
	if err != nil {
		return nil, err
	}
	err = c.each(ctx, x, func(body RawItem, _ bool) error {
		var p ProblemsReply
		if err := c.decode(body, &p); err != nil {
			return err
		}
		if lines = append(lines, p.Problems...); len(lines) > problemsMax {
			return c.pipe.fail(fmt.Errorf("%w: more than %d problems", ErrBadResponse, problemsMax))
		}
		return nil
	})
	return lines, err
}

// Forget has the city that answers drop from its directory what is gone: all peers of a
// city's name, or one peer. It returns the peer IDs' bytes of those that were dropped,
// none where nothing was known. It may be tried again: what was dropped is not known any
// more. A city that is alive is refused, with an error that matches [ErrBadRequest], and
// a caller that is no admin with one that matches [ErrForbidden].
func (c *Client) Forget(ctx context.Context, r ForgetRequest) ([][]byte, error) {
	reply, err := unary[ForgetReply](ctx, c, MethodForget, c.pipe.nextID(), &r)
	return reply.Peers, err
}

// Export asks for the whole state as it was at one moment. It calls begin with what that
// is, and then page with all entries: tombstones before heroes, and each kind by ascending
// ID. Neither may call the same client; an error of theirs ends the call and is returned.
// The error matches [ErrForbidden] if the caller is no admin, and [ErrBusy] while the city
// sends another export, or where too much has changed before this one was read; what page
// was given is then not whole.
func (c *Client) Export(ctx context.Context, begin func(ExportCut) error, page func(crdt.Entries) error) error {
	x, err := c.start(ctx, MethodExport, c.pipe.nextID(), nil)
	if err != nil {
		return err
	}
	begun, count := false, uint64(0)
	return c.each(ctx, x, func(body RawItem, more bool) error {
		var r ExportReply
		if err := c.decode(body, &r); err != nil {
			return err
		}
		switch {
		case more && !begun && r.Cut != nil:
			begun = true
			return begin(*r.Cut)
		case more && begun && r.Entries != nil:
			count += uint64(r.Entries.Len())
			return page(*r.Entries)
		case !more && begun && r.Count != nil && *r.Count == count:
			return nil
		}
		return c.pipe.fail(fmt.Errorf("%w: an export out of order, after %d entries", ErrBadResponse, count))
	})
}

// Bomb crashes the city. It has answered before it does.
func (c *Client) Bomb(ctx context.Context) error {
	x, err := c.start(ctx, MethodBomb, c.pipe.nextID(), nil)
	if err != nil {
		return err
	}
	return c.each(ctx, x, func(RawItem, bool) error { return nil })
}

// Watch calls live with the state's summary once the watch has begun, and then
// change with each change that r asks for, as it happens. Of one hero each change is
// newer than the one before; against what a get returns meanwhile it is to be merged by
// version, as [crdt.State.Merge] does. Watch takes the stream for
// itself: calls begun before are still answered, later ones return
// [ErrWatching], and when Watch returns the stream has ended.
//
// It returns ctx's error when ctx ends, the error of live or change if one
// fails, an *[Error] with Busy if these are too slow or with Unavailable after a
// crash, and else one that matches [ErrStreamClosed]; never nil.
func (c *Client) Watch(ctx context.Context, r WatchRequest, live func(crdt.Summary) error, change func(crdt.Entries) error) error {
	x, err := c.start(ctx, MethodWatch, c.pipe.nextID(), &r)
	if err != nil {
		return err
	}
	defer c.pipe.endWatch()
	err = c.each(ctx, x, func(body RawItem, more bool) error {
		if !more {
			return c.pipe.fail(errors.New("the city ended the watch"))
		}
		var p GetReply
		if err := c.decode(body, &p); err != nil {
			return err
		}
		if p.Summary != nil {
			return live(*p.Summary)
		}
		return change(*p.Entries)
	})
	return err
}
