package node

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// citiesPerPage keeps a page of the directory under a tenth of a frame.
const citiesPerPage = 64

// calls answers the calls of the call protocol, one method a function.
type calls struct{ node *Node }

// ServeCall answers one call.
func (c calls) ServeCall(ctx context.Context, call *protocol.Call) (any, error) {
	body, err := c.serve(ctx, call)
	return body, translate(err)
}

func (c calls) serve(ctx context.Context, call *protocol.Call) (any, error) {
	if err := c.node.admission.call(call); err != nil {
		return nil, err
	}
	switch call.Request.Method {
	case protocol.MethodCreate, protocol.MethodAssign, protocol.MethodRetire, protocol.MethodUpdate:
		end, err := c.node.draining.order(c.node.cfg.City.Name)
		if err != nil {
			return nil, err
		}
		defer end()
	}
	switch call.Request.Method {
	case protocol.MethodGet:
		return c.get(ctx, call)
	case protocol.MethodCreate:
		return c.create(ctx, call)
	case protocol.MethodAssign:
		return c.assign(ctx, call)
	case protocol.MethodRetire:
		return c.retire(ctx, call)
	case protocol.MethodUpdate:
		return c.update(ctx, call)
	case protocol.MethodWatch:
		return nil, c.watch(ctx, call)
	case protocol.MethodInfo:
		return c.node.info(ctx)
	case protocol.MethodLookup:
		return c.lookup(ctx, call)
	case protocol.MethodCities:
		return c.cities(ctx, call)
	case protocol.MethodSettle:
		return nil, c.node.settle(ctx, func(line protocol.SettleLine) error { return call.Send(line) })
	case protocol.MethodBomb:
		return nil, c.bomb(call)
	default:
		return nil, protocol.Errorf(protocol.Unsupported, "unknown method %q", call.Request.Method)
	}
}

func (c calls) get(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.GetRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	if r.Location != "" {
		if err := crdt.ValidateLocation(r.Location); err != nil {
			return nil, protocol.Errorf(protocol.BadRequest, "location: %w", err)
		}
	}
	inc, err := c.node.city.Current()
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
	return protocol.GetPage{Summary: &summary}, nil
}

// sendPages sends the state, or what of it is at a location, and returns its
// summary.
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

// sendPage sends entries, if there are any. The next of them or the summary
// follows at once, so a small page waits for that.
func sendPage(call *protocol.Call, e crdt.Entries) error {
	if e.Len() == 0 {
		return nil
	}
	return call.Hold(protocol.GetPage{Entries: &e})
}

func readPage(ctx context.Context, inc *city.Incarnation, location string, at crdt.Cursor) (city.Page, error) {
	if location == "" {
		return inc.Page(ctx, at)
	}
	return inc.PageAt(ctx, location, at)
}

// recordsPerPage keeps a page of records that were asked for by id, each of at
// most crdt.HeroBytesMax, well within a frame.
const recordsPerPage = 512

// sendRecords sends the records that were asked for by id, and returns the
// summary of the state that the last of them are of.
func sendRecords(ctx context.Context, call *protocol.Call, inc *city.Incarnation, r protocol.GetRequest) (crdt.Summary, error) {
	for ids := r.IDs; ; {
		n := min(len(ids), recordsPerPage)
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

// heroesAt is the heroes of the entries that are at the location.
func heroesAt(e crdt.Entries, location string) crdt.Entries {
	var there crdt.Entries
	for _, hero := range e.Heroes {
		if hero.Location == location {
			there.Heroes = append(there.Heroes, hero)
		}
	}
	return there
}

func (c calls) create(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.CreateRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	reply, err := c.node.city.Do(ctx, city.Create{Caller: callerOf(call), HeroName: r.Name, Here: r.Here})
	return protocol.HeroReply{Hero: reply.Hero, Summary: reply.Summary}, err
}

func (c calls) assign(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.AssignRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	order := city.Assign{Caller: callerOf(call), Hero: r.Hero, Home: r.Home}
	if r.Entries != nil {
		order.With = *r.Entries
	}
	reply, err := c.node.city.Do(ctx, order)
	return protocol.HeroReply{Hero: reply.Hero, Summary: reply.Summary}, err
}

func (c calls) retire(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.RetireRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	reply, err := c.node.city.Do(ctx, city.Retire{Caller: callerOf(call), Hero: r.Hero})
	return protocol.RetireReply{Tombstone: reply.Tombstone, Summary: reply.Summary}, err
}

func (c calls) update(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.UpdateRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	reply, err := c.node.city.Do(ctx, city.Update{Entries: r.Entries, Source: city.SourceCaller})
	return protocol.UpdateReply{
		Changed: uint64(reply.Changed),
		Summary: reply.Summary,
		Skipped: uint64(reply.Skipped),
	}, err
}

func (c calls) watch(ctx context.Context, call *protocol.Call) error {
	var r protocol.WatchRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	if r.Location != "" {
		if err := crdt.ValidateLocation(r.Location); err != nil {
			return protocol.Errorf(protocol.BadRequest, "location: %w", err)
		}
	}
	inc, err := c.node.city.Current()
	if err != nil {
		return err
	}
	watcher, summary, err := inc.Watch(ctx, r.Location)
	if err != nil {
		return err
	}
	defer watcher.Close()
	ctx, cancel := call.UntilClosed(ctx)
	defer cancel()
	if err := call.Send(protocol.GetPage{Summary: &summary}); err != nil {
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

// changesPerPage keeps a page of changes well within a frame.
const changesPerPage = 512

func sendChanges(call *protocol.Call, changes []crdt.Change) error {
	for len(changes) > 0 {
		n := min(len(changes), changesPerPage)
		var entries crdt.Entries
		for _, change := range changes[:n] {
			some := change.Entries()
			entries.Heroes = append(entries.Heroes, some.Heroes...)
			entries.Tombstones = append(entries.Tombstones, some.Tombstones...)
		}
		if err := call.Send(protocol.GetPage{Entries: &entries}); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

func (c calls) lookup(ctx context.Context, call *protocol.Call) (any, error) {
	var r protocol.LookupRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	if err := crdt.ValidateCityName(r.City); err != nil {
		return nil, protocol.Errorf(protocol.BadRequest, "city: %w", err)
	}
	found, err := c.node.lookupFor(ctx, peer.ID(call.Caller), r.City)
	if err != nil {
		return nil, err
	}
	reply := protocol.LookupReply{Peer: []byte(found.ID), Addrs: [][]byte{}}
	for _, addr := range found.Addrs {
		reply.Addrs = append(reply.Addrs, addr.Bytes())
	}
	return reply, nil
}

func (c calls) cities(ctx context.Context, call *protocol.Call) (any, error) {
	own, err := c.node.ownPresence(ctx)
	if err != nil {
		return nil, err
	}
	lines := []protocol.CityLine{{Presence: own, Peer: []byte(c.node.Peer()), Status: string(Alive)}}
	for _, e := range c.node.directory.all() {
		lines = append(lines, protocol.CityLine{
			Presence: e.presence,
			Peer:     []byte(e.peer),
			Status:   string(e.status),
			Agreed:   e.agreed,
		})
	}
	for len(lines) > citiesPerPage {
		if err := call.Send(protocol.CitiesPage{Cities: lines[:citiesPerPage]}); err != nil {
			return nil, err
		}
		lines = lines[citiesPerPage:]
	}
	return protocol.CitiesPage{Cities: lines}, nil
}

func (c calls) bomb(call *protocol.Call) error {
	if !c.node.isAdmin(peer.ID(call.Caller)) {
		return protocol.Errorf(protocol.Forbidden, "only an admin of city %s may bomb it", c.node.cfg.City.Name)
	}
	inc, err := c.node.city.Current()
	if err != nil {
		return err
	}
	if err := c.node.voidStore(); err != nil {
		return err
	}
	call.AfterReply(func() {
		// Fails only if the city has crashed on its own meanwhile.
		_, _ = inc.Do(context.Background(), city.Bomb{})
	})
	return nil
}

// voidStore has nothing of the state left in the store: before a bomb is answered,
// so that no crash can undo it.
func (n *Node) voidStore() error {
	if n.journal == nil {
		return nil
	}
	if _, err := n.cfg.Store.Raise(); err != nil {
		return protocol.Errorf(protocol.Unavailable, "city %s cannot be bombed, for its store does not work: %w", n.cfg.City.Name, err)
	}
	return nil
}

func callerOf(call *protocol.Call) city.Caller {
	return city.Caller{Name: call.Caller, Request: call.Request.ID}
}

// translate gives an error the code that it has on the wire.
func translate(err error) error {
	refusal, ok := errors.AsType[*city.Refusal](err)
	if !ok {
		return err
	}
	code := map[city.Reason]protocol.Code{
		city.BadRequest:  protocol.BadRequest,
		city.NotFound:    protocol.NotFound,
		city.Dead:        protocol.Dead,
		city.Unavailable: protocol.Unavailable,
		city.Busy:        protocol.Busy,
	}[refusal.Reason]
	return protocol.Errorf(code, "%s", refusal.Message)
}

// info is what the node says of itself.
func (n *Node) info(ctx context.Context) (protocol.InfoReply, error) {
	own, err := n.ownPresence(ctx)
	info := protocol.InfoReply{
		Network:     n.cfg.Network,
		City:        own.City,
		Since:       own.Since,
		Incarnation: own.Incarnation,
		Summary:     own.Summary,
		Restarts:    uint64(n.supervisor.Restarts(childCity)),
		Software:    own.Software,
		Now:         n.now(),
		Skipped:     n.entropy.future.Load(),
	}
	if n.journal != nil {
		info.Store = n.journal.standing()
	}
	if j := n.entropy.joining.progress(); j != nil {
		info.Joining = &protocol.Joining{City: j.City, Entries: j.Entries, Of: j.Of}
	}
	return info, err
}

// ownPresence is this city as of now. While the city restarts it is that of an
// empty one, for info and cities answer always.
func (n *Node) ownPresence(ctx context.Context) (protocol.Presence, error) {
	p := protocol.Presence{
		City:        n.cfg.City.Name,
		Since:       n.kept.Since(),
		Incarnation: n.kept.Incarnation(),
		Software:    n.cfg.Software,
		Sent:        n.now(),
	}
	inc, err := n.city.Current()
	if err != nil {
		return p, nil //nolint:nilerr // between two incarnations the state is empty
	}
	p.Incarnation = inc.Number()
	summary, err := inc.Summary(ctx)
	if err != nil && ctx.Err() != nil {
		return p, ctx.Err()
	}
	p.Summary = summary
	return p, nil
}
